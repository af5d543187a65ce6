// Go's side of the I/O comparison: `server echo` echoes, `server http FOLDER` serves files.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func serve(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := peer.Read(buffer)
		if err != nil {
			return
		}
		if _, err = peer.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	if os.Args[1] == "http" {
		fail(http.Serve(listener, http.FileServer(http.Dir(os.Args[2]))))
	}
	for {
		peer, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go serve(peer)
	}
}
