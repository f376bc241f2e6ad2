// Reading the bodies of answers: how many bytes are taken from a server, and
// how much memory they and the values made of them may take.

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
	errTooMuch  = errors.New("body and its values take more memory than Options.MaxBodyBytes allows")
)

// readBody reads the body within the bound of its kind. It is valid until the
// next attempt, or the end of the call.
func (t *trip) readBody(res *http.Response) ([]byte, error) {
	if res.StatusCode < http.StatusOK { // after a 101 it is the bare connection, which no context ends
		return nil, nil
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		b, err := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
		if err != nil || len(b) == maxErrorBody {
			b = withoutStump(b, t.secrets)
		}
		return b, err
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

// What one answer may take of memory above Options.MaxBodyBytes, at any time.
const spare = 1 << 20

// Sizes of buffers for bodies.
const (
	firstBuffer = 512
	longBuffer  = 128 << 10 // up to here they grow by doubling, in steps of copies
	trust       = 128       // then, to the length we are told, but no more than so many times
)

// readAtMost reads limit bytes at most, into a buffer that it may replace, and
// never holds many more. The length is what the server says, or -1.
func readAtMost(r io.Reader, buffer []byte, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, errTooLarge
	}
	size := int64(firstBuffer)
	if 0 < length && length < longBuffer {
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
		case len(b) < cap(b):
		case cap(b) < longBuffer:
			b = append(make([]byte, 0, min(2*int64(cap(b))-1, limit)+1), b...)
		case int64(cap(b)) <= length:
			b = append(make([]byte, 0, min(length, trust*int64(cap(b)))+1), b...)
		default:
			return readParts(r, b, limit)
		}
	}
}

// readParts reads a long body of a length that nobody tells, in parts, so that
// nothing is copied before all is there: then there is room for two of it.
func readParts(r io.Reader, head []byte, limit int64) ([]byte, error) {
	most := min(limit, limit/2+longBuffer)
	parts, total := [][]byte{head}, int64(len(head))
	for {
		part := make([]byte, 0, longBuffer)
		for len(part) < cap(part) {
			n, err := r.Read(part[len(part):cap(part)])
			part = part[:len(part)+n]
			total += int64(n)
			switch {
			case total > limit:
				return nil, errTooLarge
			case total > most:
				return nil, errTooMuch
			case errors.Is(err, io.EOF):
				return bytes.Join(append(parts, part), nil), nil
			case err != nil:
				return nil, err
			}
		}
		parts = append(parts, part)
	}
}

// What a value of a body takes in memory at most, where it becomes one of this
// package's: an object, as an element of a growing list; and what follows
// a comma, as such an element.
const (
	memoryPerObject = 640
	memoryPerComma  = 40
	alwaysFits      = 16 << 10 // so long a body, whatever it holds
)

// outgrows reports whether a body and what becomes of it would take more than
// a limit and the spare.
func outgrows(body []byte, limit int64) bool {
	if len(body) <= alwaysFits {
		return false
	}
	texts := len(body)
	if bytes.IndexByte(body, '\\') >= 0 {
		texts *= 2 // such a text is written twice
	}
	values := bytes.Count(body, []byte("{"))*memoryPerObject + bytes.Count(body, []byte(","))*memoryPerComma
	return int64(cap(body)+texts+values)-spare > limit
}
