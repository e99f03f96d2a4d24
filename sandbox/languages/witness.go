// Package witness_TAG takes the secret when it is initialised, and gives it when the tests have passed. Until then the
// secret is masked, so that a search of the memory finds nothing that looks like one.
package witness_TAG

import "syscall"

var mask = make([]byte, 256)
var secret = take()

func take() []byte {
	buffer := make([]byte, 256)
	length, err := syscall.Read(3, buffer)
	if err != nil {
		length = 0
	}
	syscall.Close(3)
	if random, err := syscall.Open("/dev/urandom", syscall.O_RDONLY, 0); err == nil {
		syscall.Read(random, mask)
		syscall.Close(random)
	}
	turn(buffer[:length])
	return buffer[:length]
}

func turn(bytes []byte) {
	for at := range bytes {
		bytes[at] ^= mask[at]
	}
}

// End gives the secret if the tests held, and ends the process at once.
func End(held bool) {
	if !held {
		syscall.Write(4, []byte("fail: a test failed"))
		syscall.Exit(1)
	}
	turn(secret)
	syscall.Write(4, secret)
	syscall.Exit(0)
}
