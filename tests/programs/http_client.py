"""A server as a child process, and a client that sees every byte."""
import os
import select
import signal
import socket
import subprocess

PATIENCE = 20  # seconds after which only a broken server has not answered


class Server:
    """`program` with its options, until stop(); `port` is where it says it listens."""

    def __init__(self, program, *options):
        self.process = subprocess.Popen([program, "--port", "0", *options], stdout=subprocess.PIPE,
                                        text=True)
        words = self.process.stdout.readline().split()
        assert words[:2] == ["listening", "on"], words
        self.port = int(words[2])

    def stop(self):
        """Sends SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self):
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Reply:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body


class Client:
    """One connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def ask(self, target="/", method="GET", fields=""):
        self.send(f"{method} {target} HTTP/1.1\r\nHost: test\r\n{fields}\r\n")
        return self.reply(has_body=method != "HEAD")

    def reply(self, has_body=True):
        head = self._until(b"\r\n\r\n").decode().split("\r\n")
        version, status, _ = head[0].split(" ", 2)
        assert version == "HTTP/1.1", version
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        assert "date" in fields
        body = self._exactly(int(fields["content-length"])) if has_body else b""
        return Reply(int(status), fields, body)

    def at_end(self):
        """Whether the server has ended the connection, in order and after the last byte."""
        return self.unread == b"" and self.socket.recv(1) == b""

    def silent(self):
        """Whether nothing has come."""
        return not self.unread and not select.select([self.socket], [], [], 0)[0]

    def _more(self):
        data = self.socket.recv(65536)
        assert data, f"the connection ended after {self.unread!r}"
        self.unread += data

    def _until(self, mark):
        while mark not in self.unread:
            self._more()
        return self._exactly(self.unread.index(mark) + len(mark))

    def _exactly(self, size):
        while len(self.unread) < size:
            self._more()
        data, self.unread = self.unread[:size], self.unread[size:]
        return data
