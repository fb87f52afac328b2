"""The other end of a pipe: a process that knows sockets and nothing of Lowerdeck.

Usage: peer.py connect|serve message|byte PATH. Takes one command a line, answers one line each.
"""

import socket
import sys


def perform(end, verb, arguments):
    if verb == "send":
        data = bytes.fromhex(arguments[0]) if arguments else b""
        return str(end.send(data))
    if verb == "zeros":
        end.sendall(bytes(int(arguments[0])))
        return "sent"
    if verb == "count":
        for number in range(int(arguments[0])):
            end.send(number.to_bytes(4, "little"))
        return "counted"
    if verb == "receive":
        return end.recv(int(arguments[0])).hex() or "nothing"
    if verb == "pass":
        with open(arguments[0], "w") as file:
            return str(socket.send_fds(end, [b"\x01"], [file.fileno()]))
    if verb == "close":
        end.close()
        return "closed"
    raise ValueError(verb)


def main():
    _, role, kind, path = sys.argv
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET if kind == "message" else socket.SOCK_STREAM)
    if role == "serve":
        end.bind(path)
        end.listen()
        print("listening", flush=True)
        end, _ = end.accept()
    else:
        end.connect(path)
        print("connected", flush=True)
    for line in sys.stdin:
        verb, *arguments = line.split()
        print(perform(end, verb, arguments), flush=True)


main()
