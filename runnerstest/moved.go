// Projects that were moved: GitLab leads callers from an old path to the
// project's id, if they only read.

package runnerstest

import (
	"net/http"
	"strconv"
	"strings"
)

// oldPaths takes the paths that a project had before. Where a project is at
// such a path now, that one counts.
func (l *loader) oldPaths(p *project, paths []string) {
	for i, path := range paths {
		field := element("old_paths", i)
		for part := range strings.SplitSeq(path, "/") {
			if !l.slug(field, part) {
				return
			}
		}
		if _, found := parentPath(path); !found {
			l.faultf(field, "%.40q has no namespace", path)
		}
		if other := l.world.moved[path]; other != nil {
			l.faultf(field, "taken by project %s", other.fullPath)
		}
		p.oldPaths = append(p.oldPaths, path)
	}
}

// linkMoved makes a project known by the paths that it had.
func (w *world) linkMoved(p *project) {
	for _, path := range p.oldPaths {
		w.moved.put(path, p)
	}
}

// movedTo answers for a project that the path names as it was called before.
//
// inferred: that only who may see the project learns that it was moved.
func (q *request) movedTo(p *project) *refusal {
	if !isRead(q) {
		return refuse(http.StatusMethodNotAllowed, "Non GET methods are not allowed for moved projects")
	}
	const projects = "/api/v4/projects/"
	_, rest, _ := strings.Cut(strings.TrimPrefix(q.URL.EscapedPath(), projects), "/")
	address := q.base + projects + strconv.FormatInt(p.id, 10) + "/" + rest
	if q.URL.RawQuery != "" {
		address += "?" + q.URL.RawQuery
	}
	return &refusal{
		status: http.StatusMovedPermanently,
		body:   []byte("This resource has been moved permanently to " + address),
		header: http.Header{"Location": {address}, "Content-Type": {"text/plain"}},
	}
}
