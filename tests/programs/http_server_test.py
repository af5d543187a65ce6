#!/usr/bin/env python3
"""The HTTP server as its clients see it: http_server_test.py PROGRAM."""
import concurrent.futures
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from http_client import PATIENCE, Client, Server

PAGE = b"<h1>conc</h1>\n"
BIG = bytes(i * 7 % 251 for i in range(3_000_000))


class HttpServerTest(unittest.TestCase):
    program = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.root = cls.folder / "root"
        (cls.root / "sub").mkdir(parents=True)
        (cls.root / "index.html").write_bytes(PAGE)
        (cls.root / "sub" / "a b.txt").write_bytes(b"spaced")
        (cls.root / "big.bin").write_bytes(BIG)
        (cls.root / "empty.css").write_bytes(b"")
        (cls.folder / "secret").write_bytes(b"not yours")
        os.mkfifo(cls.root / "fifo")
        cls.server = cls.start()

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        shutil.rmtree(cls.folder)
        assert status == 0, status

    @classmethod
    def start(cls, *options):
        return Server(cls.program, "--root", str(cls.root), *options)

    def client(self, server=None):
        client = Client((server or self.server).port)
        self.addCleanup(client.socket.close)
        return client

    def refusal_of(self, request):
        """The status of the answer to these bytes, after which the server must hang up."""
        client = self.client()
        client.send(request)
        reply = client.reply()
        self.assertEqual(reply.fields["connection"], "close")
        self.assertTrue(client.at_end())
        return reply.status

    def test_a_page_and_its_fields(self):
        reply = self.client().ask("/")
        self.assertEqual((reply.status, reply.body), (200, PAGE))
        self.assertEqual(reply.fields["content-type"], "text/html; charset=utf-8")
        self.assertEqual(reply.fields["content-length"], str(len(PAGE)))
        self.assertNotIn("connection", reply.fields)

    def test_a_connection_is_kept(self):
        client = self.client()
        for target, body in (("/", PAGE), ("/sub/a%20b.txt?x=1", b"spaced"), ("/empty.css", b""),
                             ("/big.bin", BIG), ("http://test/index.html", PAGE)):
            reply = client.ask(target)
            self.assertEqual((reply.status, reply.body), (200, body), target)
        self.assertEqual(client.ask("/nothing").status, 404)
        self.assertEqual(client.ask("/").body, PAGE)

    def test_who_wants_the_end_gets_it(self):
        client = self.client()
        self.assertEqual(client.ask("/", fields="Connection: Close\r\n").body, PAGE)
        self.assertTrue(client.at_end())

    def test_http_1_0(self):
        client = self.client()
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        reply = client.reply()
        self.assertEqual((reply.body, reply.fields["connection"]), (PAGE, "keep-alive"))
        client.send("GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(client.reply().body, PAGE)
        self.assertTrue(client.at_end())

    def test_head_has_no_body(self):
        client = self.client()
        for target in ("/", "/big.bin", "/nothing"):
            self.assertGreater(int(client.ask(target, "HEAD").fields["content-length"]), 0)
        self.assertEqual(client.ask("/").body, PAGE)

    def test_pipelined_requests_are_answered_in_order(self):
        client = self.client()
        targets = ["/", "/sub/a%20b.txt", "/nothing", "/empty.css"] * 50
        client.send("".join(f"GET {t} HTTP/1.1\r\nHost: x\r\n\r\n" for t in targets))
        for target in targets:
            reply = client.reply()
            self.assertEqual(reply.status, 404 if target == "/nothing" else 200)
            if target == "/":
                self.assertEqual(reply.body, PAGE)

    def test_a_request_may_come_byte_by_byte(self):
        client = self.client()
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\n\r\n":
            client.send(bytes([byte]))
        self.assertEqual(client.reply().body, PAGE)

    def test_malformed(self):
        for request in ("GET\r\n", "GET / \r\n", "GET /\x01 HTTP/1.1\r\n", "G@T / HTTP/1.1\r\n",
                        "GET / HTTP/x.1\r\n", "GET / HTTP/1.1\n", "GET  / HTTP/1.1\r\n",
                        "GET nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                        "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                        "GET /a%00b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
                        "GET / HTTP/1.1\r\nHost : x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n",
                        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n",
                        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"):
            self.assertEqual(self.refusal_of(request), 400, request)

    def test_oversized(self):
        self.assertEqual(self.refusal_of("GET /" + "a" * 5000), 414)
        long_fields = "".join(f"X-{i}: {'v' * 100}\r\n" for i in range(100))
        self.assertEqual(self.refusal_of("GET / HTTP/1.1\r\nHost: x\r\n" + long_fields), 431)
        self.assertEqual(self.refusal_of("GET / HTTP/1.1\r\nX: " + "v" * 9000), 431)

    def test_methods_versions_and_bodies(self):
        self.assertEqual(self.refusal_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501)
        self.assertEqual(self.refusal_of("GET / HTTP/2.0\r\n"), 505)
        self.assertEqual(self.refusal_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"),
                         413)
        client = self.client()
        reply = client.ask("/", "DELETE")
        self.assertEqual((reply.status, reply.fields["allow"]), (405, "get, head"))
        self.assertEqual(client.ask("/").status, 200)

    def test_nothing_outside_the_folder(self):
        client = self.client()
        for target in ("/../secret", "/sub/../../secret", "/%2e%2e/secret", "/..%2fsecret",
                       "/sub/%2E%2E/%2e./secret", "/.."):
            self.assertEqual(client.ask(target).status, 403, target)
        for target in ("//secret", "/./secret", "/sub", "/sub/", "/fifo", "/...", "/\\..\\secret"):
            self.assertEqual(client.ask(target).status, 404, target)

    def test_a_changed_file_is_noticed(self):
        changing = self.root / "changing.txt"
        client = self.client()
        changing.write_text("old")
        self.assertEqual(client.ask("/changing.txt").body, b"old")
        changing.write_text("new!")
        end = time.monotonic() + PATIENCE
        while client.ask("/changing.txt").body != b"new!":
            self.assertLess(time.monotonic(), end)

    def watch_them_leave(self, server, clients):
        """Asks for a page again and again, as long as one of them has heard nothing."""
        end = time.monotonic() + PATIENCE
        while any(client.silent() for client in clients) and time.monotonic() < end:
            with Client(server.port) as quick:
                self.assertEqual(quick.ask("/").body, PAGE)

    def watch_descriptors(self, server, at_most):
        end = time.monotonic() + PATIENCE
        while server.descriptors() > at_most:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    # Each of the two has a server of its own, whose other limit is out of reach: on a machine that
    # is busy elsewhere it takes a while to connect to it so often.
    def test_the_slow_are_shown_out_and_nobody_waits_for_them(self):
        server = self.start("--head-seconds", "1", "--idle-seconds", "600")
        self.addCleanup(server.kill)
        before = server.descriptors()
        slow = [self.client(server) for _ in range(50)]
        for client in slow:
            client.send("GET / HTTP/1.1\r\n")
        for client in slow:  # a little more now and then does not help
            if client.silent():
                client.send("X: y\r\n")
        self.watch_them_leave(server, slow)
        for client in slow:
            self.assertEqual(client.reply().status, 408)
            self.assertTrue(client.at_end())
            client.socket.close()
        self.watch_descriptors(server, before + 20)  # rings of the carriers may have come
        self.assertEqual(server.stop(), 0)

    def test_the_silent_are_shown_out_without_a_word(self):
        server = self.start("--head-seconds", "600", "--idle-seconds", "1")
        self.addCleanup(server.kill)
        before = server.descriptors()
        silent = [self.client(server) for _ in range(50)]
        self.watch_them_leave(server, silent)
        for client in silent:
            self.assertTrue(client.at_end())
            client.socket.close()
        self.watch_descriptors(server, before + 20)
        self.assertEqual(server.stop(), 0)

    def test_clients_that_go_in_the_midst(self):
        for _ in range(50):
            with Client(self.server.port) as client:
                client.send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
                client.socket.recv(1000)
        self.assertEqual(self.client().ask("/").body, PAGE)

    def test_many_clients_at_once(self):
        def visit(i):
            with Client(self.server.port) as client:
                for _ in range(20):
                    reply = client.ask("/big.bin" if i % 8 == 0 else "/")
                    assert reply.body == (BIG if i % 8 == 0 else PAGE)
            return True
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            self.assertTrue(all(pool.map(visit, range(64))))

    def test_sigterm_answers_what_has_come_and_ends(self):
        server = self.start("--grace", "600")  # we may be slow readers on a busy machine
        self.addCleanup(server.kill)
        idle, busy = self.client(server), self.client(server)
        idle.ask("/")
        busy.ask("/")
        busy.send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        busy._more()
        server.process.terminate()
        self.assertEqual(busy.reply().body, BIG)
        self.assertTrue(busy.at_end() and idle.at_end())
        self.assertEqual(server.end(), 0)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", server.port), PATIENCE)

    def test_curl_agrees(self):
        url = f"http://127.0.0.1:{self.server.port}/"
        out = subprocess.run(["curl", "-sS", "--max-time", "20", url, url + "big.bin"], check=True,
                             capture_output=True).stdout
        self.assertEqual(out, PAGE + BIG)


if __name__ == "__main__":
    HttpServerTest.program = sys.argv.pop(1)
    unittest.main(verbosity=2)
