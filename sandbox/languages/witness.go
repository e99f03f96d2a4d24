// Package witness_TAG takes the secret when it is initialised, and gives it when the tests have passed.
package witness_TAG

import "syscall"

var secret = take()

func take() []byte {
	buffer := make([]byte, 256)
	length, err := syscall.Read(3, buffer)
	if err != nil {
		length = 0
	}
	syscall.Close(3)
	return buffer[:length]
}

// End gives the secret if the tests held, and ends the process at once.
func End(held bool) {
	if !held {
		syscall.Write(4, []byte("fail: a test failed"))
		syscall.Exit(1)
	}
	syscall.Write(4, secret)
	syscall.Exit(0)
}
