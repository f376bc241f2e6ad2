// What more than one group of endpoints speaks of: references to projects and
// groups, values that may be null, and GitLab's enumerations.

package runners

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// RunnerType says whom a runner serves.
//
// Values that this package does not know pass through unchanged, as with all
// its enumerations.
type RunnerType string

// The types of runner that GitLab documents.
const (
	InstanceType RunnerType = "instance_type" // serves the whole instance
	GroupType    RunnerType = "group_type"    // serves one group, all below it
	ProjectType  RunnerType = "project_type"  // serves the projects it is assigned
)

// Status is a runner's or a runner manager's status, as GitLab computes it
// when it is asked, and also the value of the status filter of the lists.
//
// The two differ: [StatusOffline] as a filter includes stale runners, and
// [StatusOnline] includes paused ones, which show as [StatusPaused].
type Status string

// The statuses that GitLab documents, over all its versions.
const (
	// StatusOnline is a runner that contacted GitLab in the last two hours
	// (one hour before GitLab 14).
	StatusOnline Status = "online"
	// StatusOffline is a runner that has contacted GitLab, but not lately.
	StatusOffline Status = "offline"
	// StatusStale is a runner that neither was created nor made contact in
	// the last seven days (three months before 17.2). GitLab 14.6 or newer.
	StatusStale Status = "stale"
	// StatusNeverContacted is a runner that never contacted GitLab.
	// GitLab 14.6 or newer.
	StatusNeverContacted Status = "never_contacted"
	// StatusPaused is a runner that was told to take no new jobs.
	//
	// Deprecated: as a filter, use the Paused option instead (GitLab 14.8);
	// GitLab's REST API v5 removes this value.
	StatusPaused Status = "paused"
	// StatusActive, a filter only, selects the runners that are not paused.
	//
	// Deprecated: use the Paused option instead (GitLab 14.8); GitLab's REST
	// API v5 removes this value.
	StatusActive Status = "active"
	// StatusNotConnected is what StatusNeverContacted was called.
	//
	// Deprecated: GitLab 15.0 removed it for StatusNeverContacted.
	StatusNotConnected Status = "not_connected"
)

// Scope is the oldest filter of the runner lists.
//
// Deprecated: use the Type, Status and Paused options instead; GitLab's REST
// API v5 removes scopes.
type Scope string

// The scopes that GitLab accepts. The first six go with every list that has
// scopes; the others only with the lists of a project and of the instance.
const (
	ScopeActive         Scope = "active"
	ScopePaused         Scope = "paused"
	ScopeOnline         Scope = "online"
	ScopeOffline        Scope = "offline"
	ScopeNeverContacted Scope = "never_contacted"
	ScopeStale          Scope = "stale"
	ScopeSpecific       Scope = "specific" // project and group runners
	ScopeShared         Scope = "shared"   // instance runners
	ScopeInstanceType   Scope = "instance_type"
	ScopeGroupType      Scope = "group_type"
	ScopeProjectType    Scope = "project_type"
)

// AccessLevel says which refs a runner takes jobs from.
type AccessLevel string

// The access levels of a runner.
const (
	NotProtected AccessLevel = "not_protected" // protected refs and others
	RefProtected AccessLevel = "ref_protected" // protected branches and tags only
)

// JobExecutionStatus says whether a runner or a runner manager has a job that
// runs.
type JobExecutionStatus string

// The values of JobExecutionStatus.
const (
	ExecutionIdle   JobExecutionStatus = "idle"
	ExecutionActive JobExecutionStatus = "active"
)

// JobStatus is the status of a CI job.
type JobStatus string

// The statuses of a job. GitLab's page of the runner's jobs names running,
// success, failed and canceled; its filter takes any of them.
const (
	JobCreated            JobStatus = "created"
	JobWaitingForResource JobStatus = "waiting_for_resource"
	JobPreparing          JobStatus = "preparing"
	JobWaitingForCallback JobStatus = "waiting_for_callback"
	JobPending            JobStatus = "pending"
	JobRunning            JobStatus = "running"
	JobSuccess            JobStatus = "success"
	JobFailed             JobStatus = "failed"
	JobCanceling          JobStatus = "canceling"
	JobCanceled           JobStatus = "canceled"
	JobSkipped            JobStatus = "skipped"
	JobManual             JobStatus = "manual"
	JobScheduled          JobStatus = "scheduled"
)

// Sort is the direction of an ordered list.
type Sort string

// The directions.
const (
	Ascending  Sort = "asc"
	Descending Sort = "desc"
)

// Ref names a project or a group, by its id or by its full path. Make one
// with [ID] or [Path]; the zero Ref is refused before anything is sent.
type Ref struct {
	id   int64
	path string
}

// ID refers to the project or group with this id.
func ID(id int64) Ref { return Ref{id: id} }

// Path refers to the project or group with this full path, such as
// "group/subgroup/app". The path is given plain, not URL-encoded.
func Path(path string) Ref { return Ref{path: path} }

// String returns the id or the path.
func (r Ref) String() string {
	if r.path != "" {
		return r.path
	}
	return strconv.FormatInt(r.id, 10)
}

// Nullable is an optional value that can also be null: its zero value leaves
// a setting as it is, [Value] sets it, and [Null] clears it.
type Nullable[T any] struct {
	value T
	state nullState
}

type nullState uint8

const (
	isUnset nullState = iota
	isNull
	isValue
)

// Value returns a Nullable that sets v.
func Value[T any](v T) Nullable[T] { return Nullable[T]{value: v, state: isValue} }

// Null returns a Nullable that clears the setting.
func Null[T any]() Nullable[T] { return Nullable[T]{state: isNull} }

// Get returns the value, and whether there is one: not for the zero Nullable
// and not for [Null].
func (n Nullable[T]) Get() (T, bool) { return n.value, n.state == isValue }

// IsNull reports whether n clears the setting.
func (n Nullable[T]) IsNull() bool { return n.state == isNull }

// IsZero reports whether n leaves the setting as it is. It makes n work with
// the omitzero option of struct tags.
func (n Nullable[T]) IsZero() bool { return n.state == isUnset }

// MarshalJSON writes the value, or null where there is none.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	if n.state != isValue {
		return []byte("null"), nil
	}
	return json.Marshal(n.value)
}

// UnmarshalJSON reads null or a value.
func (n *Nullable[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*n = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*n = Value(v)
	return nil
}
