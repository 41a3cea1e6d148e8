"""Run many coding agents in one git repository: one task, one branch, one worktree, one worker.

`git_agent.context` is the public API for programs that run inside a worker's worktree; everything else is internal.
"""

__version__ = "0.1.0"
