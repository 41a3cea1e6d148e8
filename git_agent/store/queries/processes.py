"""Queries for what processes hold (sessions, locks and intents) and for what they note (values and cached merges)."""

from __future__ import annotations

from git_agent.domain.process_id import ProcessId
from git_agent.store.meta import KEYS_OF_EACH_COMMAND, PREFIXES_OF_EACH_COMMAND, after_prefix
from git_agent.store.orm import NOW_MS, all_given, columns, given, listed, peewee, same
from git_agent.store.schema import ClashRow, IntentRow, LeaseRow, LockRow, MetaRow, SessionRow

_OWNER = ProcessId._fields
_NOBODY = dict.fromkeys(_OWNER)

# The order is that of sessions._session.
_SESSION = SessionRow.select(
    *columns(SessionRow, "id", "task", "attempt", "epoch", "child_pid", "child_start"),
    *columns(SessionRow, "token", "agent", "command", "stopped_by", "started_at"),
    peewee.fn.COALESCE(SessionRow.expires_at <= NOW_MS, 0),
    *columns(SessionRow, *_OWNER),
).order_by(SessionRow.id)
_one = SessionRow.id == given("session")
_open = SessionRow.ended_at.is_null()
SESSION = _SESSION.where(_one)
SESSION_BY_TOKEN = _SESSION.where(SessionRow.token == given("token"))
UNENDED_SESSIONS = _SESSION.where(_open)
UNENDED_SESSIONS_OF_TASK = _SESSION.where(_open & (SessionRow.task == given("task")))
IS_SESSION_OPEN = SessionRow.select(SessionRow.id).where(_one & _open)
BEGIN_SESSION = SessionRow.insert(
    **all_given("task", "attempt", "epoch", "token", "agent", "command", *_OWNER),
    started_at=NOW_MS,
    expires_at=NOW_MS + given("silent_ms"),
).returning(SessionRow.id)
LEAD_SESSION = SessionRow.update(**all_given("child_pid", "child_start")).where(_one)
STOP_SESSION = SessionRow.update(**all_given("stopped_by")).where(_one & _open)
END_SESSION = SessionRow.update(ended_at=NOW_MS).where(_one & _open)
TASKS_WHOSE_SESSIONS_ENDED = (
    SessionRow.select(SessionRow.task)
    .where(SessionRow.task.in_(listed("tasks")))
    .group_by(SessionRow.task)
    .having(peewee.fn.COUNT(SessionRow.id) == peewee.fn.COUNT(SessionRow.ended_at))
)
_holding = LeaseRow.select(LeaseRow.session).where(LeaseRow.session.is_null(False) & (LeaseRow.expires_at > NOW_MS))
ABANDONED_SESSIONS = _SESSION.where(SessionRow.id.in_(listed("sessions")) & _open & SessionRow.id.not_in(_holding))

_lock = LockRow.name == given("name")
_held = _lock & (LockRow.fence == given("fence"))
_over = (LockRow.taken_at <= NOW_MS - given("limit_ms")) | (LockRow.taken_at > NOW_MS)
LOCK = LockRow.select(LockRow.fence, _over, *columns(LockRow, *_OWNER)).where(_lock)
_taken = {**all_given("fence", *_OWNER), "taken_at": NOW_MS}
TAKE_LOCK = LockRow.insert(name=given("name"), **_taken).on_conflict(conflict_target=[LockRow.name], update=_taken)
IS_LOCK_HELD = LockRow.select(LockRow.name).where(_held & LockRow.host.is_null(False))
KEEP_LOCK = LockRow.update(taken_at=NOW_MS).where(_lock)
LOCK_HOLDER = LockRow.select(*columns(LockRow, *_OWNER)).where(_lock & LockRow.host.is_null(False))
RELEASE_LOCK = LockRow.update(**_NOBODY, taken_at=None).where(_held)

_later = NOW_MS + given("limit_ms")
_is_over = peewee.fn.COALESCE(IntentRow.expires_at <= NOW_MS, 0)
_is_held = same(IntentRow.host, "was_host")
for _name in _OWNER[1:]:
    _is_held &= same(getattr(IntentRow, _name), f"was_{_name}")
_intent = (IntentRow.id == given("intent")) & _is_held
_INTENT = IntentRow.select(
    *columns(IntentRow, "id", "kind", "task", "data", "at"), _is_over, *columns(IntentRow, *_OWNER)
)
INTENTS = _INTENT.order_by(IntentRow.id)
INTENT_OF_TASK = _INTENT.where(IntentRow.task == given("task"))
WRITE_INTENT = IntentRow.insert(**all_given("kind", "task", "data", *_OWNER), at=NOW_MS, expires_at=_later).returning(
    IntentRow.id
)
UPDATE_INTENT = IntentRow.update(**all_given("data")).where(_intent)
ADOPT_INTENT = IntentRow.update(**all_given(*_OWNER), expires_at=_later).where(_intent & (_is_over == given("over")))
RENEW_INTENTS = IntentRow.update(expires_at=_later).where(_is_held)
END_INTENT = IntentRow.delete().where(_intent)

# One parameter for any number of values: SQLite accepts 32,766, and a repository may have more branches.
_among = {name: peewee.SQL(f"(SELECT value FROM json_each(:{name}))") for name in ("oids", "tips")}
CACHED_MERGES = ClashRow.select(ClashRow.a, ClashRow.b, ClashRow.terms, ClashRow.paths).where(
    ClashRow.a.in_(_among["oids"]) & ClashRow.b.in_(_among["oids"])
)
DELETE_OLD_MERGES = ClashRow.delete().where(
    (ClashRow.at < NOW_MS - given("kept_ms")) & (ClashRow.a.not_in(_among["tips"]) | ClashRow.b.not_in(_among["tips"]))
)

META = MetaRow.select(MetaRow.value).where(MetaRow.key == given("key"))
META_BETWEEN = MetaRow.select(MetaRow.key, MetaRow.value).where(
    (MetaRow.key >= given("first")) & (MetaRow.key < given("end"))
)
_one_of_many = MetaRow.key.in_(KEYS_OF_EACH_COMMAND)
for _prefix in PREFIXES_OF_EACH_COMMAND:
    _one_of_many |= (MetaRow.key >= _prefix) & (MetaRow.key < after_prefix(_prefix))
META_OF_EACH_COMMAND = MetaRow.select(MetaRow.key, MetaRow.value).where(_one_of_many)
PUT_META = MetaRow.insert(**all_given("key", "value")).on_conflict(
    conflict_target=[MetaRow.key], update=all_given("value")
)
DELETE_META = MetaRow.delete().where(MetaRow.key == given("key"))
