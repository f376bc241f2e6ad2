// Jobs of a runner: /runners/{id}/jobs, and jobs as it shows them with their
// users, commits and pipelines.

package runners

import "time"

// Job is a CI job that a runner runs or ran.
type Job struct {
	ID             int64      `json:"id"`
	Status         JobStatus  `json:"status"`
	Stage          string     `json:"stage"`
	Name           string     `json:"name"`
	Ref            string     `json:"ref"` // the branch or tag
	Tag            bool       `json:"tag"` // whether Ref is a tag
	Coverage       *float64   `json:"coverage"`
	AllowFailure   bool       `json:"allow_failure"`
	CreatedAt      *time.Time `json:"created_at"`
	StartedAt      *time.Time `json:"started_at"`      // nil until it runs
	FinishedAt     *time.Time `json:"finished_at"`     // nil until it has ended
	ErasedAt       *time.Time `json:"erased_at"`       // nil while its log is there
	Duration       *float64   `json:"duration"`        // seconds; nil until it runs
	QueuedDuration *float64   `json:"queued_duration"` // seconds; nil before GitLab 14
	FailureReason  string     `json:"failure_reason"`  // only of failed jobs
	User           *User      `json:"user"`            // who started it
	Commit         *Commit    `json:"commit"`
	Pipeline       *Pipeline  `json:"pipeline"`
	Project        *Project   `json:"project"`
	WebURL         string     `json:"web_url"`

	// IPAddress is where the runner that ran it was; GitLab 10 to 13.
	IPAddress string `json:"ip_address"`
}

// User is a user as runners and jobs show one. What lies behind PublicEmail
// comes with jobs only.
type User struct {
	ID          int64      `json:"id"`
	Username    string     `json:"username"`
	Name        string     `json:"name"`
	State       string     `json:"state"` // such as "active" or "blocked"
	Locked      bool       `json:"locked"`
	AvatarURL   string     `json:"avatar_url"`
	WebURL      string     `json:"web_url"`
	PublicEmail string     `json:"public_email"`
	CreatedAt   *time.Time `json:"created_at"`

	Bio          string `json:"bio"`
	Location     string `json:"location"`
	Skype        string `json:"skype"`
	LinkedIn     string `json:"linkedin"`
	Twitter      string `json:"twitter"`
	WebsiteURL   string `json:"website_url"`
	Organization string `json:"organization"`
}

// Commit is the commit that a job works on.
type Commit struct {
	ID             string     `json:"id"` // the full hash
	ShortID        string     `json:"short_id"`
	Title          string     `json:"title"`
	Message        string     `json:"message"`
	CreatedAt      *time.Time `json:"created_at"`
	ParentIDs      []string   `json:"parent_ids"`
	AuthorName     string     `json:"author_name"`
	AuthorEmail    string     `json:"author_email"`
	AuthoredDate   *time.Time `json:"authored_date"`
	CommitterName  string     `json:"committer_name"`
	CommitterEmail string     `json:"committer_email"`
	CommittedDate  *time.Time `json:"committed_date"`
	WebURL         string     `json:"web_url"`
}

// Pipeline is the pipeline that a job belongs to.
type Pipeline struct {
	ID        int64      `json:"id"`
	IID       int64      `json:"iid"` // its number within the project
	ProjectID int64      `json:"project_id"`
	SHA       string     `json:"sha"`
	Ref       string     `json:"ref"`
	Status    string     `json:"status"`
	Source    string     `json:"source"` // such as "push" or "schedule"
	CreatedAt *time.Time `json:"created_at"`
	UpdatedAt *time.Time `json:"updated_at"`
	WebURL    string     `json:"web_url"`
}

// JobsOptions filter and order a runner's jobs.
type JobsOptions struct {
	Status JobStatus `url:"status,omitempty"`

	// SystemID selects the jobs of one runner manager. GitLab does not count
	// the pages then. GitLab 17 or newer.
	SystemID string `url:"system_id,omitempty"`

	// OrderBy is "id", or empty: the jobs are in ascending order of their ids
	// then, whatever Sort says. GitLab 12 or newer.
	OrderBy string `url:"order_by,omitempty"`
	Sort    Sort   `url:"sort,omitempty"` // with OrderBy only; default: Descending

	// Keyset walks the list by cursors, newest jobs first, which stays fast
	// and complete on long lists. With Page, or with another order, the error
	// is [ErrInvalid]. GitLab 17 or newer; an older one ignores it, and the
	// error is [ErrUnexpectedResponse].
	Keyset bool `url:"-"`

	Page    int `url:"-"` // where All and Pages start; the default is 1
	PerPage int `url:"-"` // rows a page; the default and the most is 100
}

// Jobs lists the jobs that a runner runs or ran, of the projects in which the
// caller has the Reporter role.
//
// The caller must be an administrator for an instance runner, and otherwise
// needs the Maintainer role in the runner's group or in the project that owns
// it; otherwise the error is [ErrForbidden].
//
// GitLab 10.3 or newer: [GET /runners/:id/jobs].
//
// [GET /runners/:id/jobs]: https://docs.gitlab.com/api/runners/#list-all-jobs-processed-by-a-runner
func (s *RunnersService) Jobs(id int64, o *JobsOptions) *Listing[Job] {
	f := deref(o)
	return list[Job](s.client, read("GET /runners/{id}/jobs", id).with(f),
		paging{page: f.Page, perPage: f.PerPage, keyset: f.Keyset})
}
