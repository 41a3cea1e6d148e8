"""Queries for events, and for the messages that wait."""

from __future__ import annotations

from git_agent.domain.speaker import COORDINATOR, HUMAN
from git_agent.store.events import COLUMNS
from git_agent.store.orm import IS_UNFINISHED, NOW_MS, all_given, columns, given, listed, peewee
from git_agent.store.schema import DeliveryRow, EventRow, MessageRow, TaskRow

_EVENT = EventRow.select(*columns(EventRow, *COLUMNS))
_of_task = EventRow.task == given("task")
_of_kind = EventRow.kind == given("kind")
_after = EventRow.seq > given("after")
_since = EventRow.at >= given("since")
_newest_first = EventRow.seq.desc()

APPEND_EVENT = EventRow.insert(
    at=NOW_MS, **all_given("kind", "task", "actor", "source", "target", "epoch", "version", "data")
).returning(EventRow.seq)

EVENT = _EVENT.where(EventRow.seq == given("seq"))
NEWEST_EVENTS = _EVENT.where(_after).order_by(_newest_first).limit(given("limit"))
NEWEST_EVENTS_SINCE = _EVENT.where(_after & _since).order_by(_newest_first).limit(given("limit"))
NEWEST_EVENTS_OF_TASK = _EVENT.where(_after & _of_task).order_by(_newest_first).limit(given("limit"))
NEWEST_EVENTS_OF_TASK_SINCE = _EVENT.where(_after & _of_task & _since).order_by(_newest_first).limit(given("limit"))
FOLLOWING_EVENTS = _EVENT.where(_after).order_by(EventRow.seq).limit(given("limit"))
EVENTS_OF_KINDS = _EVENT.where(
    (EventRow.seq >= given("first")) & (EventRow.seq < given("end")) & _since & EventRow.kind.in_(listed("kinds"))
).order_by(EventRow.seq)
EVENTS_OF_KIND = _EVENT.where(_of_task & _of_kind).order_by(_newest_first)
EVENTS_OF_KIND_OF_TASKS = _EVENT.where(EventRow.task.in_(listed("tasks")) & _of_kind).order_by(EventRow.seq)
EVENTS_THAT_MAY_HAVE_EVIDENCE = _EVENT.where(_of_task & EventRow.data.contains('"evidence": [')).order_by(EventRow.seq)
NEWEST_NUMBER = EventRow.select(peewee.fn.MAX(EventRow.seq))
LAST_CHANGE = _EVENT.where(_of_task & EventRow.version.is_null(False)).order_by(_newest_first).limit(1)
SUPERSEDING_EVENT = (
    _EVENT.where(_of_task & (EventRow.epoch > given("epoch")) & EventRow.target.is_null(False))
    .order_by(EventRow.seq)
    .limit(1)
)
CHANGES_SINCE = _EVENT.where(_since & EventRow.target.is_null(False)).order_by(EventRow.seq)

_waiting = DeliveryRow.state.in_(["new", "seen"])
_announces_nothing = MessageRow.until.is_null()
_FOR_PEOPLE = DeliveryRow.recipient.in_([HUMAN, COORDINATOR])
_unseen = (DeliveryRow.state == "new") & _announces_nothing
_number = peewee.fn.COUNT(peewee.SQL("*"))
# New messages that people have not seen, the urgent ones of them, and all that wait for the person.
_mail = (_unseen, _unseen & (MessageRow.urgent == 1), DeliveryRow.recipient == HUMAN)
MAIL_OF_PEOPLE = (
    DeliveryRow.select(*(_number.filter(each) for each in _mail))
    .join(MessageRow, on=(MessageRow.id == DeliveryRow.message))
    .where(_FOR_PEOPLE & _waiting)
)
# The order is that of messages.Messages.listed.
_MESSAGE = DeliveryRow.select(
    *columns(MessageRow, "id", "sender"),
    DeliveryRow.recipient,
    *columns(MessageRow, "task", "topic"),
    peewee.fn.COALESCE(MessageRow.thread, MessageRow.id),
    *columns(MessageRow, "reply_to", "urgent", "needs_ack", "body", "sent_at"),
    DeliveryRow.state,
    MessageRow.verified,
).join(MessageRow, on=(MessageRow.id == DeliveryRow.message))
_unfinished = TaskRow.select(peewee.fn.CAST(peewee.SQL("id AS TEXT"))).where(IS_UNFINISHED)
_somebody = _FOR_PEOPLE | DeliveryRow.recipient.in_(_unfinished)
_UNACKNOWLEDGED = _MESSAGE.where(_waiting & (MessageRow.needs_ack == 1) & _announces_nothing & _somebody)
UNACKNOWLEDGED = _UNACKNOWLEDGED.order_by(MessageRow.id).limit(given("limit"))
UNACKNOWLEDGED_FROM = (
    _UNACKNOWLEDGED.where(MessageRow.sender.in_(listed("senders"))).order_by(MessageRow.id).limit(given("limit"))
)
UNREAD = (
    DeliveryRow.select(DeliveryRow.recipient, peewee.fn.COUNT(DeliveryRow.message))
    .where(_waiting & DeliveryRow.recipient.in_(listed("recipients")))
    .group_by(DeliveryRow.recipient)
)
