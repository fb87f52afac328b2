"""The other end of a named pipe: a program that knows sockets and nothing of Lowerdeck, and how a test drives it.

As a program: `peer.py PATH` connects to a SOCK_SEQPACKET socket, then takes one command a line, "send HEX", "receive
LENGTH" or "close", and answers each with one line.
"""

import socket
import subprocess
import sys

NOTHING = "nothing"


class Peer:
    """A process of its own; use it in `with`, which ends it."""

    def __init__(self, path):
        # Neither the environment nor installed packages: the standard library is all it has.
        command = [sys.executable, "-I", "-S", __file__, str(path)]
        # close_fds=False lets Python 3.9 spawn instead of fork: gRPC's handlers of a fork can end the child.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False
        )
        assert self._answer() == "connected"

    def send(self, message):
        assert self._ask(f"send {message.hex()}") == str(len(message))

    def receive(self, length=4096):
        answer = self._ask(f"receive {length}")
        return b"" if answer == NOTHING else bytes.fromhex(answer)

    def close(self):
        assert self._ask("close") == "closed"

    def kill(self):
        self._process.kill()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, command):
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        return self._process.stdout.readline().strip()


def obey(end, verb, argument):
    """What a command does, and the answer to it."""
    if verb == "send":
        return str(end.send(bytes.fromhex(argument)))
    if verb == "receive":
        return end.recv(int(argument)).hex() or NOTHING
    end.close()
    return "closed"


if __name__ == "__main__":
    pipe = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pipe.connect(sys.argv[1])
    print("connected", flush=True)
    for line in sys.stdin:
        verb, _, argument = line.strip().partition(" ")
        print(obey(pipe, verb, argument), flush=True)
