"""The journal of commands: what was begun, and how it ended, so that no crash hides a write.

Before the first write of a command goes out, the command is on disk and synced. After a
``kill -9`` the journal therefore names every command that may have reached a device, and some that
did not; :mod:`genba.operate.unfinished` asks the devices which. Answers to requests that carry an
idempotency key lie beside the commands, so that a repeated request is answered and not done again.
"""

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from genba.errors import StateError
from genba.operate.recorded import as_text, command_of, proposal_of, verdict_of
from genba.plant import US, Clock, Command, Outcome, Proposal, Verdict

logger = logging.getLogger(__name__)

KEPT = 20_000
"""Ended commands, and answers, that are kept; what is older is dropped."""
TIDY_EVERY = 500
REMEMBERED_S = 24 * 3600
"""Plant seconds for which an id counts as used, and a key as answered, after a restart too."""

_TABLES = """
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, proposal_id TEXT NOT NULL, begun INTEGER NOT NULL,
    proposal TEXT NOT NULL, command TEXT NOT NULL,
    ended INTEGER, done INTEGER, unknown INTEGER, detail TEXT
);
CREATE INDEX IF NOT EXISTS open_commands ON commands (begun) WHERE ended IS NULL;
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, body TEXT NOT NULL, time INTEGER NOT NULL, verdict TEXT NOT NULL
);
"""


class CommandJournal:
    """One SQLite file, written by one thread of its own, so that a slow disk holds up no loop.

    Parameters
    ----------
    folder : Path
        Made when it is missing; holds ``journal.sqlite``.
    clock : Clock
        The plant's clock.

    Raises
    ------
    StateError
        If the file cannot be opened.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._path = folder / "journal.sqlite"
        self._begun = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_TABLES)
            self._tidy()
        except (OSError, sqlite3.Error) as error:
            raise StateError(
                f"the command journal {self._path} cannot be used: {error}; "
                "mend the disk, or restore the state folder"
            ) from None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    # -- what an earlier run left -----------------------------------------------------------------

    def unfinished(self) -> list[tuple[Proposal, Command]]:
        """Return the commands that were begun and have no outcome, oldest first."""
        rows = self._db.execute(
            "SELECT id, proposal, command FROM commands WHERE ended IS NULL ORDER BY begun, rowid"
        ).fetchall()
        found = []
        for name, proposal, command in rows:
            try:
                found.append((proposal_of(proposal), command_of(command)))
            except (ValueError, KeyError, TypeError):
                logger.exception("command '%s' in the journal cannot be read", name)
        return found

    def used_ids(self) -> list[str]:
        """Return the ids of proposals that became commands not long ago."""
        since = self._clock.now() - REMEMBERED_S * US
        rows = self._db.execute("SELECT proposal_id FROM commands WHERE begun >= ?", (since,))
        return [name for (name,) in rows.fetchall()]

    def answers(self) -> dict[str, tuple[str, Verdict]]:
        """Return, by key, the body that was asked and the verdict that was answered."""
        since = self._clock.now() - REMEMBERED_S * US
        rows = self._db.execute("SELECT key, body, verdict FROM answers WHERE time >= ?", (since,))
        return {key: (body, verdict_of(verdict)) for key, body, verdict in rows.fetchall()}

    # -- what this run does -------------------------------------------------------------------

    async def begin(self, proposal: Proposal, command: Command) -> None:
        """Put a command on disk; durable when this returns. Only then may its writes go out.

        Raises
        ------
        StateError
            If the disk does not take it.
        """
        row = (
            command.id, proposal.id, command.time, as_text(proposal), as_text(command),
        )  # fmt: skip
        sql = "INSERT INTO commands (id, proposal_id, begun, proposal, command) VALUES (?,?,?,?,?)"
        await self._durably(sql, row)
        self._begun += 1
        if self._begun % TIDY_EVERY == 0:
            self._thread.submit(self._tidy)

    async def answer(self, key: str, body: str, verdict: Verdict) -> None:
        """Put the answer to a request with an idempotency key on disk; errors as with `begin`."""
        sql = "INSERT OR REPLACE INTO answers (key, body, time, verdict) VALUES (?,?,?,?)"
        await self._durably(sql, (key, body, verdict.time, as_text(verdict)))

    def end(self, outcome: Outcome) -> None:
        """Note how a command ended, in its turn. One that is lost is found out again later."""
        row = (outcome.time, outcome.done, outcome.unknown, outcome.detail, outcome.command)
        sql = "UPDATE commands SET ended = ?, done = ?, unknown = ?, detail = ? WHERE id = ?"
        self._thread.submit(self._quietly, sql, row)

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._thread.shutdown(wait=True)
        self._db.close()

    async def _durably(self, sql: str, row: tuple[object, ...]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, self._db.execute, sql, row
            )
        except sqlite3.Error as error:
            raise StateError(
                f"the command journal {self._path} cannot be written: {error}; mend the disk"
            ) from None

    def _quietly(self, sql: str, row: tuple[object, ...]) -> None:
        try:
            self._db.execute(sql, row)
        except sqlite3.Error as error:
            logger.warning("the command journal cannot be written: %s", error)

    def _tidy(self) -> None:
        """Drop the oldest of what has ended."""
        for table, condition, time in (
            ("commands", "ended IS NOT NULL", "begun"),
            ("answers", "1", "time"),
        ):
            try:
                self._db.execute(
                    f"DELETE FROM {table} WHERE {condition} AND rowid NOT IN "  # noqa: S608
                    f"(SELECT rowid FROM {table} ORDER BY {time} DESC LIMIT {KEPT})"
                )
            except sqlite3.Error as error:
                logger.warning("the command journal cannot be tidied: %s", error)
