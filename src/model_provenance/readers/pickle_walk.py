"""Walks over the opcodes of a pickle without running any, and collects what it would import.

Opcodes have no jumps, so the walk is exact; only the names that `STACK_GLOBAL` takes from the stack need care. They
count as known only where the two opcodes before it push two strings (or fetch strings that were stored), else the
import is `(computed)`, which no list allows. A walk that ends early keeps what it saw: unpickling runs the opcodes
before the broken one, too.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field

from model_provenance.readers.cursor import Cursor, ReaderError
from model_provenance.readers.pickle_imports import ALLOWED

_OPCODE_LIMIT = 400_000
_LINE_LIMIT = 1 << 16
#: Longer strings are no names of imports, and all strings together are bounded; what is not kept is `(computed)`.
_NAME_LIMIT = 256
_KEPT_LIMIT = 8 << 20
_INDEX_LENGTH = 40
_IMPORT_LIMIT = 10_000
#: Module and name together; no import that anybody means is longer, and none shorter is lost.
_IMPORT_LENGTH = 512
#: Bytes of an argument that cost as much as one opcode more.
_ARGUMENT_STEP = 4096
_ARGUMENT_STEPS = 16
#: Pickles that may follow one another in one file.
_PICKLE_LIMIT = 64
COMPUTED = ("(computed)", "(computed)")
TOO_LONG = ("(too long)", "(too long)")

_LINE = -1
#: Width of the length that precedes a counted argument, by pickletools' names for them.
_COUNTED = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def _argument(opcode: pickletools.OpcodeInfo) -> tuple[int, int]:
    """(fixed number of bytes, or `_LINE`; width of a length that precedes the argument, or 0)."""
    if opcode.arg is None:
        return 0, 0
    if opcode.arg.n == pickletools.UP_TO_NEWLINE:
        return _LINE, 0
    if opcode.arg.n in _COUNTED:
        return 0, _COUNTED[opcode.arg.n]
    return opcode.arg.n, 0


_ARGUMENTS = {ord(opcode.code): _argument(opcode) for opcode in pickletools.opcodes}
_TEXTS = frozenset((0x8C, ord("X"), 0x8D))
_OLD_TEXTS = frozenset(b"TU")
_LINE_TEXTS = frozenset(b"SV")
_PUTS = {ord("p"): 0, ord("q"): 1, ord("r"): 4}
_GETS = {ord("g"): 0, ord("h"): 1, ord("j"): 4}
_MEMOIZE, _STACK_GLOBAL, _STOP, _PROTO, _FRAME = 0x94, 0x93, ord("."), 0x80, 0x95
_IMPORTS = frozenset(b"ci")
_EXTENSIONS = frozenset((0x82, 0x83, 0x84))


@dataclass(slots=True)
class PickleWalk:
    """What the opcodes say."""

    imports: set[tuple[str, str]] = field(default_factory=set)
    protocol: int = 0
    pickles: int = 0
    opcodes: int = 0
    #: Why the walk ended early; None where it met the end of the last pickle.
    problem: str | None = None
    #: Whether it ended at a limit of this reader, where unpickling goes on: then anything may follow.
    bounded: bool = False

    @property
    def outside(self) -> list[str]:
        """Imports that are not on the allow-list, sorted."""
        return sorted(name[0] if name in (COMPUTED, TOO_LONG) else ".".join(name) for name in self.imports - ALLOWED)


def walk(cursor: Cursor, found: PickleWalk, pickles: int | None = None) -> None:
    """Walk over the pickles at the cursor: exactly `pickles` of them, or as many as follow one another.

    `found` may hold what other members of the same file said; its limits are those of the whole file.
    """
    opcodes = _Opcodes(cursor, found)
    first = found.pickles
    try:
        while True:
            if found.pickles == first or pickles is not None or cursor.peek(1) == bytes([_PROTO]):
                opcodes.run()
            elif not opcodes.run_another():
                break
            found.pickles += 1
            # One that is nothing but its end is what raw weights may begin with.
            if found.pickles - first == pickles or (pickles is None and (found.opcodes == 1 or not cursor.remaining)):
                break
            if found.pickles - first == _PICKLE_LIMIT:
                found.bounded, found.problem = True, f"it has more than the {_PICKLE_LIMIT} pickles that are read"
                break
    except ReaderError as error:
        found.problem = found.problem or str(error)


class _Opcodes:
    """The state that naming the imports needs: the two newest stack entries, and the memo, where they are strings."""

    def __init__(self, cursor: Cursor, found: PickleWalk) -> None:
        self._cursor = cursor
        self._found = found
        self._kept = 0
        self._memo: dict[int, str | None] = {}
        self._frame_end = 0
        self._older: str | None = None
        self._newest: str | None = None

    def run_another(self) -> bool:
        """One pickle of protocol 0 or 1 behind the first, which have no first bytes of their own.

        False, and nothing is counted, where it ends early without an import: then it is none, but bytes that follow.
        """
        found, start = self._found, self._cursor.position
        imports, opcodes, protocol = len(found.imports), found.opcodes, found.protocol
        try:
            self.run()
        except ReaderError:
            if found.bounded or len(found.imports) > imports:
                raise
            found.opcodes, found.protocol = opcodes, protocol
            self._cursor.seek(start)
            return False
        return True

    def run(self) -> None:
        """One pickle, up to and including its STOP."""
        self._memo.clear()
        self._older = self._newest = None
        self._frame_end = 0
        while True:
            self._charge(1)
            start = self._cursor.position
            code = self._cursor.byte()
            if code == _STOP:
                if self._cursor.position < self._frame_end:
                    raise self._out_of_frame()
                return
            if code not in _ARGUMENTS:
                raise ReaderError(f"byte {self._cursor.position - 1} is no pickle opcode")
            self._opcode(code)
            if start < self._frame_end < self._cursor.position:
                raise self._out_of_frame()

    def _frame(self) -> None:
        """A part that is read at once, as its length says."""
        length = int.from_bytes(self._cursor.take(8), "little")
        start, outer = self._cursor.position, self._frame_end
        if start < outer < start + length:
            raise self._out_of_frame()
        self._frame_end = max(outer, start + length)

    def _out_of_frame(self) -> ReaderError:
        # CPython forgets what is left of a frame where an argument goes on behind it, or the pickle ends in it: it would read
        # another index or line than stands here, and the next pickle from another place.
        self._found.bounded = True
        return ReaderError("a frame of the pickle does not end where an opcode does")

    def _charge(self, opcodes: int) -> None:
        self._found.opcodes += opcodes
        if self._found.opcodes > _OPCODE_LIMIT:
            self._found.bounded = True
            raise ReaderError(f"it has more than the {_OPCODE_LIMIT} pickle opcodes that are read")

    def _opcode(self, code: int) -> None:
        if code in _TEXTS or code in _OLD_TEXTS:
            self._push(self._counted_text(code))
        elif code == _MEMOIZE:
            self._memo[len(self._memo)] = self._newest
        elif code in _PUTS:
            self._memo[self._index(_PUTS[code])] = self._newest
        elif code in _GETS:
            self._push(self._memo.get(self._index(_GETS[code])))
        elif code == _STACK_GLOBAL:
            known = self._older is not None and self._newest is not None
            self._import((self._older or "", self._newest or "") if known else COMPUTED)
        elif code in _IMPORTS:
            module, name = self._line(), self._line()
            fits = len(module) + len(name) <= _IMPORT_LENGTH
            self._import((module.decode("utf-8", "replace"), name.decode("utf-8", "replace")) if fits else TOO_LONG)
        elif code in _EXTENSIONS:
            self._argument(code)
            self._import(COMPUTED)
        elif code in _LINE_TEXTS:
            self._push(_line_text(self._line(), quoted=code == ord("S")))
        else:
            self._other(code)

    def _other(self, code: int) -> None:
        if code == _PROTO:
            self._found.protocol = max(self._found.protocol, self._cursor.byte())
        elif code == _FRAME:
            self._frame()
        else:
            self._argument(code)
            # What these leave on the stack is not followed: no name may come from there.
            self._older = self._newest = None

    def _import(self, name: tuple[str, str]) -> None:
        self._older = self._newest = None
        if len(self._found.imports) == _IMPORT_LIMIT:
            self._found.bounded = True
            raise ReaderError(f"it has more than the {_IMPORT_LIMIT} imports that are read")
        self._found.imports.add(name)

    def _push(self, value: str | None) -> None:
        if value is not None:
            self._kept += len(value)
            if self._kept > _KEPT_LIMIT or len(value) > _NAME_LIMIT:
                value = None
        self._older, self._newest = self._newest, value

    def _argument(self, code: int) -> None:
        fixed, width = _ARGUMENTS[code]
        if width:
            self._skip(int.from_bytes(self._cursor.take(width), "little"))
        elif fixed == _LINE:
            self._line()
        else:
            self._cursor.skip(fixed)

    def _counted_text(self, code: int) -> str | None:
        length = int.from_bytes(self._cursor.take(_ARGUMENTS[code][1]), "little")
        if length > _NAME_LIMIT:
            self._skip(length)
            return None
        raw = self._cursor.take(length)
        # Any other encoding of a name depends on how the pickle is loaded.
        return raw.decode() if raw.isascii() else None

    def _index(self, width: int) -> int:
        if width:
            return int.from_bytes(self._cursor.take(width), "little")
        line = self._line()
        if len(line) > _INDEX_LENGTH:
            # The rest of the digits would say another index, and unpickling reads them.
            self._found.bounded = True
            raise ReaderError(f"a memo index of the pickle is longer than the {_INDEX_LENGTH} bytes that are read")
        try:
            return int(line)  # what Python takes for a number, white space and signs included
        except ValueError as error:
            raise ReaderError("a memo index of the pickle is no number") from error

    def _skip(self, length: int) -> None:
        """Move over an argument; a long one ends what is buffered, so it costs more."""
        self._charge(min(length // _ARGUMENT_STEP, _ARGUMENT_STEPS))
        self._cursor.skip(length)

    def _line(self) -> bytes:
        try:
            line = self._cursor.line(_LINE_LIMIT)
        except ReaderError:
            # Longer lines are unpickled all the same; where the file ends, so does unpickling.
            self._found.bounded = self._found.bounded or self._cursor.remaining > _LINE_LIMIT
            raise
        self._charge(len(line) // _ARGUMENT_STEP)
        return line


def _line_text(line: bytes, *, quoted: bool) -> str | None:
    """The string of a text opcode of protocol 0, where it is written without escapes."""
    if quoted:
        if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:  # noqa: PLR2004 - two quotes
            return None
        line = line[1:-1]
    return line.decode() if line.isascii() and b"\\" not in line else None
