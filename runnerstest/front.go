// What stands in front of GitLab, and refuses what is too long to be read.

package runnerstest

import (
	"net/http"
	"net/url"
)

// maxTarget bounds path and query of a request together, in bytes. maxLink
// bounds a link, which escapes what a query did not need to: one that nobody
// could follow, of parameters out of a body, is not written.
//
// inferred: web servers read a request line into 8 KiB, unless told otherwise.
const (
	maxTarget = 8 << 10
	maxLink   = 3 * maxTarget
)

func longTarget(u *url.URL) bool { return len(u.EscapedPath())+len(u.RawQuery) > maxTarget }

// targetTooLong is the refusal of a web server, which knows no JSON.
func targetTooLong() *refusal {
	const text = "414 Request-URI Too Large"
	return &refusal{
		status: http.StatusRequestURITooLong,
		header: contentType("text/html"),
		body:   []byte("<html>\n<head><title>" + text + "</title></head>\n<body><h1>" + text + "</h1></body>\n</html>\n"),
	}
}
