"""The peer of a pipe of messages: a program of its own, with nothing but the standard library.

Each line of standard input is one thing to do: connect, recv, send TEXT, close. Each is answered with one line.
"""

import socket
import sys

MESSAGE_BYTES = 128 * 1024


def main(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as pipe:
        for line in sys.stdin:
            verb, _, text = line.rstrip("\n").partition(" ")
            if verb == "connect":
                pipe.connect(path)
                answer = "connected"
            elif verb == "recv":
                answer = pipe.recv(MESSAGE_BYTES).decode()
            elif verb == "send":
                answer = f"{pipe.send(text.encode())} bytes"
            elif verb == "close":
                pipe.close()
                answer = "closed"
            else:
                sys.exit(f"no such thing to do: {verb}")
            print(answer, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
