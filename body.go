// Reading the bodies of answers: how many bytes are taken from a server, and
// how many values are made of them.

package runners

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

var (
	errTooLarge = errors.New("body is larger than Options.MaxBodyBytes")
	errTooMany  = errors.New("body has more values than GitLab puts into so many bytes")
)

// readBody reads the body within the bound of its kind. It is valid until the
// next attempt, or the end of the call.
func (t *trip) readBody(res *http.Response) ([]byte, error) {
	if res.StatusCode >= http.StatusMultipleChoices {
		return io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	}
	length := res.ContentLength
	if res.Body == http.NoBody { // which may have a length, after a HEAD
		length = 0
	}
	if t.body == nil {
		t.body = t.client.bodies.get()
	}
	b, err := readAtMost(res.Body, t.body.bytes, length, t.client.options.MaxBodyBytes)
	t.body.bytes = b[:0]
	return b, err
}

// A body is a buffer for the bodies of answers.
type body struct{ bytes []byte }

// bodies are the buffers that a client has ready.
type bodies struct{ pool sync.Pool }

// maxPooled is more than a page of a list has; what is larger is not kept.
const maxPooled = 256 << 10

func (b *bodies) get() *body {
	if ready, ok := b.pool.Get().(*body); ok {
		return ready
	}
	return &body{}
}

func (b *bodies) put(used *body) {
	if used != nil && cap(used.bytes) <= maxPooled {
		b.pool.Put(used)
	}
}

// Sizes of buffers for bodies.
const (
	firstBuffer  = 512
	shortBuffers = 1 << 20  // up to here, they grow by doubling
	wholeBuffer  = 16 << 20 // up to here, the last one has room for all
)

// readAtMost reads limit bytes at most, into a buffer that it may replace, and
// never holds many more. The length is what the server says, or -1.
func readAtMost(r io.Reader, buffer []byte, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, errTooLarge
	}
	size := int64(firstBuffer)
	if 0 < length && length < shortBuffers {
		size = length + 1 // a byte more, to see the end
	}
	b := buffer[:0]
	if int64(cap(b)) < size {
		b = make([]byte, 0, size)
	}
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		}
		if len(b) == cap(b) {
			b = append(make([]byte, 0, nextSize(int64(cap(b)), limit)), b...)
		}
	}
}

// nextSize is the size of the buffer after one of this size that is full. Many
// steps would hold two large ones at a time.
func nextSize(size, limit int64) int64 {
	if size < shortBuffers || limit > wholeBuffer {
		return min(2*size-1, limit) + 1
	}
	return limit + 1
}

// What a body of GitLab's has on average at least, in bytes; and up to where
// that does not matter.
const (
	bytesPerObject = 64
	bytesPerValue  = 8
	mayBeDense     = 64 << 10
)

// isDense reports whether a body would become far larger in memory: an object
// of two bytes becomes a struct of hundreds.
func isDense(body []byte) bool {
	return len(body) > mayBeDense &&
		(bytes.Count(body, []byte("{"))*bytesPerObject > len(body) ||
			bytes.Count(body, []byte(","))*bytesPerValue > len(body))
}
