package runners_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
	"github.com/seed-832548de/runners/runnerstest"
)

// TestListFilters finds runners by each filter, on the list of all.
func TestListFilters(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.Allow("scope", "status=active", "status=paused") // deprecated, and still offered
	day := 24 * time.Hour
	s.AddRunner(runnerstest.Runner{ // 1: instance, online, paused
		TagList: []string{"docker", "linux"}, Paused: true,
		ContactedAt: runnerstest.Ago(time.Minute), CreatedAt: runnerstest.Ago(day),
	})
	s.AddRunner(runnerstest.Runner{ // 2: group, offline
		Groups: []int64{s.group.ID}, TagList: []string{"docker"},
		Managers: []runnerstest.Manager{{
			SystemID: "s_1", Version: "16.11.1", ContactedAt: runnerstest.Ago(day), CreatedAt: runnerstest.Ago(2 * day),
		}},
	})
	s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}}) // 3: never contacted
	s.AddRunner(runnerstest.Runner{                              // 4: stale
		Projects: []int64{s.app.ID}, CreatedAt: runnerstest.Ago(30 * day), ContactedAt: runnerstest.Ago(20 * day),
	})
	for name, c := range map[string]struct {
		filter runners.ListOptions
		want   []int64
	}{
		"none":            {runners.ListOptions{}, []int64{1, 2, 3, 4}},
		"instance type":   {runners.ListOptions{Type: runners.InstanceType}, []int64{1}},
		"group type":      {runners.ListOptions{Type: runners.GroupType}, []int64{2}},
		"project type":    {runners.ListOptions{Type: runners.ProjectType}, []int64{3, 4}},
		"online":          {runners.ListOptions{Status: runners.StatusOnline}, []int64{1}},
		"offline":         {runners.ListOptions{Status: runners.StatusOffline}, []int64{2, 4}},
		"stale":           {runners.ListOptions{Status: runners.StatusStale}, []int64{4}},
		"never contacted": {runners.ListOptions{Status: runners.StatusNeverContacted}, []int64{3}},
		"status active":   {runners.ListOptions{Status: runners.StatusActive}, []int64{2, 3, 4}},
		"status paused":   {runners.ListOptions{Status: runners.StatusPaused}, []int64{1}},
		"paused":          {runners.ListOptions{Paused: new(true)}, []int64{1}},
		"not paused":      {runners.ListOptions{Paused: new(false)}, []int64{2, 3, 4}},
		"a tag":           {runners.ListOptions{TagList: []string{"docker"}}, []int64{1, 2}},
		"all tags":        {runners.ListOptions{TagList: []string{"linux", "docker"}}, []int64{1}},
		"no tags":         {runners.ListOptions{TagList: []string{}}, []int64{1, 2, 3, 4}},
		"version":         {runners.ListOptions{VersionPrefix: "16"}, []int64{2}},
		"other version":   {runners.ListOptions{VersionPrefix: "16.1"}, []int64{}},
		"scope":           {runners.ListOptions{Scope: runners.ScopeShared}, []int64{1}},
		"scope specific":  {runners.ListOptions{Scope: runners.ScopeSpecific}, []int64{2, 3, 4}},
		"two of them": {runners.ListOptions{
			Type: runners.ProjectType, Status: runners.StatusStale,
		}, []int64{4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, ids(t, s.admin.Runners.ListAll(&c.filter)))
		})
	}
}

// TestListIsWhatOneManages lists by role, and not what others have.
func TestListIsWhatOneManages(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.Allow("scope")                                                 // deprecated, and still offered
	s.AddRunner(runnerstest.Runner{})                                // 1: instance
	s.AddRunner(runnerstest.Runner{Groups: []int64{s.group.ID}})     // 2
	s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}})     // 3
	other := s.AddProject(runnerstest.Project{Path: "elsewhere/it"}) // not ours
	s.AddRunner(runnerstest.Runner{Projects: []int64{other.ID}})     // 4

	assert.Equal(t, []int64{2, 3}, ids(t, s.owner.Runners.List(nil)))
	assert.Equal(t, []int64{3}, ids(t, s.maintainer.Runners.List(nil)))
	assert.Empty(t, ids(t, s.developer.Runners.List(nil)))
	assert.Empty(t, ids(t, s.admin.Runners.List(nil)))
	assert.Equal(t, []int64{1, 2, 3, 4}, ids(t, s.admin.Runners.ListAll(nil)))

	_, err := s.owner.Runners.ListAll(nil).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrForbidden)
	_, err = s.owner.Runners.List(&runners.ListOptions{Scope: runners.ScopeShared}).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrInvalid)
	require.ErrorContains(t, err, "Scope contains invalid value")
	_, err = s.owner.Runners.List(&runners.ListOptions{Status: "sleepy"}).Collect(t.Context())
	require.ErrorIs(t, err, runners.ErrInvalid)
	assert.Equal(t, map[string][]string{"status": {"does not have a valid value"}}, fieldsOf(t, err))
}

// TestUnknownValues: what no constant stands for reaches GitLab, and it is
// GitLab that says what it thinks of it.
func TestUnknownValues(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.Allow("scope") // deprecated, and still offered
	r := s.projectRunner()
	for name, err := range map[string]error{
		"type":         all(t.Context(), s.admin.Runners.ListAll(&runners.ListOptions{Type: "fleet_type"})),
		"status":       all(t.Context(), s.admin.Runners.ListAll(&runners.ListOptions{Status: "asleep"})),
		"scope":        all(t.Context(), s.admin.Runners.ListAll(&runners.ListOptions{Scope: "dreaming"})),
		"sort":         all(t.Context(), s.admin.Runners.Jobs(r.ID, &runners.JobsOptions{OrderBy: "id", Sort: "up"})),
		"access_level": one(s.admin.Runners.Update(t.Context(), r.ID, &runners.UpdateOptions{AccessLevel: "all"})),
	} {
		require.ErrorIs(t, err, runners.ErrInvalid)
		assert.Contains(t, fieldsOf(t, err), name)
	}
}

// TestListTurnsPages walks a list in steps, and starts in the middle.
func TestListTurnsPages(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	for range 7 {
		s.projectRunner()
	}
	list := s.maintainer.Runners.List(&runners.ListOptions{PerPage: 3})
	assert.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7}, ids(t, list))

	page, err := list.Page(t.Context(), 2)
	require.NoError(t, err)
	assert.Equal(t, int64(4), page.Items[0].ID)
	assert.Equal(t, []any{2, 3, 7, 3, 3},
		[]any{page.Number, page.PerPage, *page.Total, *page.TotalPages, page.NextPage})

	last, err := list.Page(t.Context(), 3)
	require.NoError(t, err)
	assert.Zero(t, last.NextPage)
	beyond, err := list.Page(t.Context(), 9)
	require.NoError(t, err)
	assert.Empty(t, beyond.Items)

	assert.Equal(t, []int64{4, 5, 6, 7},
		ids(t, s.maintainer.Runners.List(&runners.ListOptions{PerPage: 3, Page: 2})))
}

func TestGet(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.AddUser(runnerstest.User{Username: "mia", Name: "Mia"})
	contact := s.Now().Add(-time.Minute).Truncate(time.Millisecond)
	r := s.AddRunner(runnerstest.Runner{
		Description: "builder", Name: "gitlab-runner", TagList: []string{"docker"},
		Projects: []int64{s.app.ID, s.site.ID}, Locked: true, RunUntagged: new(false),
		AccessLevel: runners.RefProtected, MaximumTimeout: new(int64(3600)),
		MaintenanceNote: new("rack 4"), CreatedBy: "mia", CreatedAt: runnerstest.Ago(time.Hour),
		Managers: []runnerstest.Manager{{
			SystemID: "s_1", Version: "19.1.0", Revision: "abc", Platform: "linux",
			Architecture: "amd64", ContactedAt: runnerstest.At(contact),
		}},
	})
	d, err := s.maintainer.Runners.Get(t.Context(), r.ID)
	require.NoError(t, err)
	assert.Equal(t, r.ID, d.ID)
	assert.Equal(t, []string{"builder", "gitlab-runner", "19.1.0", "abc", "linux", "amd64", ""},
		[]string{d.Description, d.Name, d.Version, d.Revision, d.Platform, d.Architecture, d.IPAddress})
	assert.Equal(t, runners.ProjectType, d.RunnerType)
	assert.Equal(t, runners.StatusOnline, d.Status)
	assert.Equal(t, runners.ExecutionIdle, d.JobExecutionStatus)
	assert.Equal(t, runners.RefProtected, d.AccessLevel)
	assert.Equal(t, []string{"docker"}, d.TagList)
	assert.Equal(t, []bool{true, false, false, true, true, false, false},
		[]bool{*d.Online, d.IsPaused(), *d.Paused, d.Active, d.Locked, d.RunUntagged, d.IsShared})
	assert.Equal(t, 3600, *d.MaximumTimeout)
	assert.Equal(t, "rack 4", *d.MaintenanceNote)
	assert.True(t, contact.Equal(*d.ContactedAt))
	assert.Equal(t, "Mia", d.CreatedBy.Name)
	assert.True(t, d.Token.IsZero())
	require.Len(t, d.Projects, 2)
	assert.Equal(t, "acme/app", d.Projects[0].PathWithNamespace)
	assert.Empty(t, d.Groups)

	d, err = s.maintainer.Runners.Get(t.Context(), r.ID, &runners.GetOptions{IncludeProjects: new(false)})
	require.NoError(t, err)
	assert.Nil(t, d.Projects)

	_, err = s.developer.Runners.Get(t.Context(), r.ID)
	require.ErrorIs(t, err, runners.ErrForbidden)
	for _, id := range []int64{4711, math.MaxInt64} {
		_, err = s.admin.Runners.Get(t.Context(), id)
		require.ErrorIs(t, err, runners.ErrNotFound)
	}
}

// TestGetOfEveryEra reads a runner that never made contact from GitLabs of
// each era: what one lacks is nil or zero.
func TestGetOfEveryEra(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]struct {
		status runners.Status
		typ    runners.RunnerType
		paused bool // whether there is such a field
		token  bool
	}{
		"10.0.0":  {"", "", false, true},
		"13.10.0": {runners.StatusNotConnected, "", false, false},
		"17.5.0":  {runners.StatusNeverContacted, runners.ProjectType, true, false},
		"19.1.0":  {runners.StatusNeverContacted, runners.ProjectType, true, false},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, version)
			r := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}, Paused: true})
			d, err := s.maintainer.Runners.Get(t.Context(), r.ID)
			require.NoError(t, err)
			assert.Equal(t, want.status, d.Status)
			assert.Equal(t, want.typ, d.RunnerType)
			assert.Equal(t, want.paused, d.Paused != nil)
			assert.Equal(t, want.token, !d.Token.IsZero())
			assert.Nil(t, d.Online)
			assert.True(t, d.IsPaused())
		})
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	for name, c := range map[string]struct {
		owner runners.Owner
		by    *runners.Client
		typ   runners.RunnerType
	}{
		"instance": {runners.ForInstance(), s.admin, runners.InstanceType},
		"group":    {runners.ForGroup(s.group.ID), s.owner, runners.GroupType},
		"project":  {runners.ForProject(s.app.ID), s.maintainer, runners.ProjectType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created, err := c.by.Runners.Create(t.Context(), c.owner, &runners.CreateOptions{
				Description: "new", MaintenanceNote: "note", TagList: []string{"a", "b"},
				Paused: new(true), Locked: new(true), RunUntagged: new(false),
				AccessLevel: runners.RefProtected, MaximumTimeout: new(600),
			})
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(created.Token.Reveal(), "glrt-"))
			assert.Nil(t, created.TokenExpiresAt)

			d, err := s.admin.Runners.Get(t.Context(), created.ID)
			require.NoError(t, err)
			assert.Equal(t, c.typ, d.RunnerType)
			assert.Equal(t, []any{"new", "note", 600}, []any{d.Description, *d.MaintenanceNote, *d.MaximumTimeout})
			assert.ElementsMatch(t, []string{"a", "b"}, d.TagList)
			assert.Equal(t, []bool{true, true, false}, []bool{d.IsPaused(), d.Locked, d.RunUntagged})
		})
	}
	defaults, err := s.admin.Runners.Create(t.Context(), runners.ForInstance(), nil)
	require.NoError(t, err)
	d, err := s.admin.Runners.Get(t.Context(), defaults.ID)
	require.NoError(t, err)
	assert.Equal(t, []bool{false, false, true}, []bool{d.IsPaused(), d.Locked, d.RunUntagged})
	assert.Nil(t, d.MaximumTimeout)
}

func TestCreateRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	narrow := s.as(t, "owner", "read_api")
	many := slices.Repeat([]string{"t"}, 51)
	for i := range many {
		many[i] += strconv.Itoa(i)
	}
	for name, c := range map[string]struct {
		by      *runners.Client
		owner   runners.Owner
		options runners.CreateOptions
		want    error
		text    string
	}{
		"instance, no administrator": {s.owner, runners.ForInstance(), runners.CreateOptions{}, runners.ErrForbidden, "Insufficient permissions"},
		"group, a maintainer":        {s.maintainer, runners.ForGroup(s.group.ID), runners.CreateOptions{}, runners.ErrForbidden, "Insufficient permissions"},
		"project, a developer":       {s.developer, runners.ForProject(s.app.ID), runners.CreateOptions{}, runners.ErrForbidden, "Insufficient permissions"},
		"no such project":            {s.owner, runners.ForProject(4711), runners.CreateOptions{}, runners.ErrInvalid, "Missing/invalid project"},
		"no such group":              {s.owner, runners.ForGroup(4711), runners.CreateOptions{}, runners.ErrInvalid, "Missing/invalid group"},
		"scope":                      {narrow, runners.ForProject(s.app.ID), runners.CreateOptions{}, runners.ErrInsufficientScope, "create_runner"},
		"timeout":                    {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{MaximumTimeout: new(599)}, runners.ErrInvalid, "at least 10 minutes"},
		"timeout 0":                  {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{MaximumTimeout: new(0)}, runners.ErrInvalid, "at least 10 minutes"},
		"timeout 2^31":               {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{MaximumTimeout: new(math.MaxInt32 + 1)}, runners.ErrInvalid, "maximum_timeout is invalid"},
		"description":                {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{Description: strings.Repeat("x", 1025)}, runners.ErrInvalid, "Description is too long"},
		"description of a megabyte":  {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{Description: strings.Repeat("x", 1_000_000)}, runners.ErrInvalid, "Description is too long"},
		"fifty-one tags":             {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{TagList: many}, runners.ErrInvalid, "Too many tags specified. Please limit the number of tags to 50"},
		"untagged without tags":      {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{RunUntagged: new(false)}, runners.ErrInvalid, "can not be empty"},
		"level":                      {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{AccessLevel: "x"}, runners.ErrInvalid, "access_level does not have a valid value"},
		"owner":                      {s.owner, runners.Owner{}, runners.CreateOptions{}, runners.ErrInvalid, "use ForInstance"},
		"project id":                 {s.owner, runners.ForProject(0), runners.CreateOptions{}, runners.ErrInvalid, "project_id"},
		"group id":                   {s.owner, runners.ForGroup(-1), runners.CreateOptions{}, runners.ErrInvalid, "group_id"},
		"comma":                      {s.owner, runners.ForProject(s.app.ID), runners.CreateOptions{TagList: []string{"a,b"}}, runners.ErrInvalid, "comma"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.by.Runners.Create(t.Context(), c.owner, &c.options)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
		})
	}
	assert.Empty(t, ids(t, s.admin.Runners.ListAll(nil)), "nothing was created")
}

// TestCreateWithExpiry sets what only licensed instances let the caller set.
func TestCreateWithExpiry(t *testing.T) {
	t.Parallel()
	gitlab := runnerstest.NewServer(t, &runnerstest.Options{Seed: strings.NewReader(`{
		"license_plan": "premium",
		"users": [{"username": "root", "admin": true}]}`)})
	c := gitlab.Client(t)
	expires := gitlab.Now().Add(24 * time.Hour).Truncate(time.Second)
	created, err := c.Runners.Create(t.Context(), runners.ForInstance(), &runners.CreateOptions{
		TokenExpiresAt: expires, TokenRotationDeadline: expires.Add(-time.Hour),
	})
	require.NoError(t, err)
	require.NotNil(t, created.TokenExpiresAt)
	assert.True(t, expires.Equal(*created.TokenExpiresAt))

	gitlab.Advance(23*time.Hour + time.Minute)
	_, err = c.Runners.ResetToken(t.Context(), created.ID)
	require.ErrorIs(t, err, runners.ErrForbidden)
	require.ErrorContains(t, err, "Token rotation deadline has passed")

	_, err = c.Runners.Create(t.Context(), runners.ForInstance(), &runners.CreateOptions{
		TokenExpiresAt: gitlab.Now().Add(time.Minute),
	})
	require.ErrorIs(t, err, runners.ErrInvalid)
	require.ErrorContains(t, err, "at least 5 minutes in the future")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.Allow("active") // deprecated, and still offered
	r := s.projectRunner()
	update := func(o *runners.UpdateOptions) *runners.RunnerDetails {
		t.Helper()
		_, err := s.maintainer.Runners.Update(t.Context(), r.ID, o)
		require.NoError(t, err)
		d, err := s.maintainer.Runners.Get(t.Context(), r.ID)
		require.NoError(t, err)
		return d
	}
	d := update(&runners.UpdateOptions{
		Description: new("other"), Paused: new(true), TagList: new([]string{"x", "y"}),
		RunUntagged: new(false), Locked: new(true), AccessLevel: runners.RefProtected,
		MaximumTimeout: runners.Value(600), MaintenanceNote: runners.Value("note"),
	})
	assert.Equal(t, []any{"other", 600, "note"}, []any{d.Description, *d.MaximumTimeout, *d.MaintenanceNote})
	assert.ElementsMatch(t, []string{"x", "y"}, d.TagList)
	assert.Equal(t, []bool{true, true, false}, []bool{d.IsPaused(), d.Locked, d.RunUntagged})
	assert.Equal(t, runners.RefProtected, d.AccessLevel)

	d = update(&runners.UpdateOptions{Active: new(true), RunUntagged: new(true)})
	assert.False(t, d.IsPaused())
	assert.Equal(t, 600, *d.MaximumTimeout, "what is not set stays")

	d = update(&runners.UpdateOptions{MaximumTimeout: runners.Null[int](), MaintenanceNote: runners.Null[string]()})
	assert.Nil(t, d.MaximumTimeout)
	assert.Nil(t, d.MaintenanceNote)
	assert.Equal(t, "other", d.Description)

	var computed []string // nothing came of it: the runner gets no tags
	assert.Empty(t, update(&runners.UpdateOptions{TagList: &computed}).TagList)
}

func TestUpdateRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.Allow("active") // deprecated, and still offered
	r := s.projectRunner()
	many := make([]string, 51)
	for i := range many {
		many[i] = strings.Repeat("t", i+1)
	}
	for name, c := range map[string]struct {
		options *runners.UpdateOptions
		field   string
		text    string
	}{
		"timeout 0":     {&runners.UpdateOptions{MaximumTimeout: runners.Value(0)}, "maximum_timeout", "needs to be at least 10 minutes"},
		"timeout 599":   {&runners.UpdateOptions{MaximumTimeout: runners.Value(599)}, "maximum_timeout", "needs to be at least 10 minutes"},
		"level":         {&runners.UpdateOptions{AccessLevel: "x"}, "access_level", "does not have a valid value"},
		"timeout 2^31":  {&runners.UpdateOptions{MaximumTimeout: runners.Value(math.MaxInt32 + 1)}, "maximum_timeout", "is invalid"},
		"a megabyte":    {&runners.UpdateOptions{Description: new(strings.Repeat("x", 1_000_000))}, "description", "is too long (maximum is 1024 characters)"},
		"description":   {&runners.UpdateOptions{Description: new(strings.Repeat("x", 1025))}, "description", "is too long (maximum is 1024 characters)"},
		"note":          {&runners.UpdateOptions{MaintenanceNote: runners.Value(strings.Repeat("x", 1025))}, "maintenance_note", "is too long (maximum is 1024 characters)"},
		"tags":          {&runners.UpdateOptions{TagList: &many}, "tags_list", "Too many tags specified. Please limit the number of tags to 50"},
		"no tags":       {&runners.UpdateOptions{TagList: &[]string{}, RunUntagged: new(false)}, "tags_list", "can not be empty when runner is not allowed to pick untagged jobs"},
		"an empty tag":  {&runners.UpdateOptions{TagList: &[]string{""}}, "tag_list", "has an empty tag"},
		"a comma in it": {&runners.UpdateOptions{TagList: &[]string{"a,b"}}, "tag_list", "a tag cannot have a comma"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.maintainer.Runners.Update(t.Context(), r.ID, c.options)
			require.ErrorIs(t, err, runners.ErrInvalid)
			require.ErrorContains(t, err, c.text)
			assert.Equal(t, map[string][]string{c.field: {c.text}}, fieldsOf(t, err))
		})
	}
	for want, options := range map[string]*runners.UpdateOptions{
		"are missing, at least one parameter must be provided": nil,
		"are mutually exclusive":                               {Paused: new(true), Active: new(true)},
	} {
		_, err := s.maintainer.Runners.Update(t.Context(), r.ID, options)
		require.ErrorIs(t, err, runners.ErrInvalid)
		assert.Equal(t, []string{want}, fieldsOf(t, err)["paused"])
		assert.Equal(t, []string{want}, fieldsOf(t, err)["active"])
	}
	_, err := s.developer.Runners.Update(t.Context(), r.ID, &runners.UpdateOptions{Locked: new(true)})
	require.ErrorIs(t, err, runners.ErrForbidden)
	d, err := s.admin.Runners.Get(t.Context(), r.ID)
	require.NoError(t, err)
	assert.Equal(t, []any{"builder", []string{"docker"}, false}, []any{d.Description, d.TagList, d.Locked})
}

// TestDescriptionsRoundTrip stores text that somebody else would mangle.
func TestDescriptionsRoundTrip(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.projectRunner()
	for _, text := range []string{
		`"quoted" and 'quoted'`, "two\nlines\t", "<script>alert(1)</script> & more", "\u202eabc", "🦊",
		"a\\b\u2028c", "",
	} {
		d, err := s.maintainer.Runners.Update(t.Context(), r.ID, &runners.UpdateOptions{Description: &text})
		require.NoError(t, err)
		assert.Equal(t, text, d.Description)
		d, err = s.maintainer.Runners.Get(t.Context(), r.ID)
		require.NoError(t, err)
		assert.Equal(t, text, d.Description)
	}
	d, err := s.maintainer.Runners.Update(t.Context(), r.ID, &runners.UpdateOptions{TagList: &[]string{"🦊", "a b", "🦊"}})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"🦊", "a b"}, d.TagList)
}

// TestPause pauses and resumes on old and new servers, and counts requests:
// a server that does not know the parameter is asked again in its own words.
func TestPause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version, told string
		requests      int // of Pause
	}{
		"newest":           {"19.1.0", "", 1},
		"14.8":             {"14.8.0", "", 1},
		"14.7":             {"14.7.0", "", 2},
		"13.10":            {"13.10.0", "", 2},
		"10.0, and told":   {"10.0.0", "10.0", 1},
		"newest, and told": {"19.1.0", "19.1.0", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, c.version)
			r := s.projectRunner()
			requests := 0
			token := s.AddToken(runnerstest.AccessToken{User: "maintainer"})
			client, err := runners.New("https://gitlab.test", runners.PrivateToken(token.Token), &runners.Options{
				HTTPClient: s.HTTPClient(), GitLabVersion: c.told,
				Observe: func(context.Context, runners.Call) { requests++ },
			})
			require.NoError(t, err)

			d, err := client.Runners.Pause(t.Context(), r.ID)
			require.NoError(t, err)
			assert.True(t, d.IsPaused())
			assert.Equal(t, c.requests, requests)
			d, err = client.Runners.Resume(t.Context(), r.ID)
			require.NoError(t, err)
			assert.False(t, d.IsPaused())

			_, err = client.Runners.Pause(t.Context(), 4711)
			require.ErrorIs(t, err, runners.ErrNotFound)
		})
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	one := s.projectRunner()
	shared := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID, s.site.ID}})

	require.ErrorIs(t, s.developer.Runners.Delete(t.Context(), one.ID), runners.ErrForbidden)
	stale := &runners.DeleteOptions{IfUnmodifiedSince: s.Now().Add(-24 * time.Hour)}
	require.ErrorIs(t, s.maintainer.Runners.Delete(t.Context(), one.ID, stale), runners.ErrPreconditionFailed)
	fresh := &runners.DeleteOptions{IfUnmodifiedSince: s.Now().Add(time.Hour)}
	require.NoError(t, s.maintainer.Runners.Delete(t.Context(), one.ID, fresh))
	require.ErrorIs(t, s.maintainer.Runners.Delete(t.Context(), one.ID), runners.ErrNotFound)

	err := s.maintainer.Runners.Delete(t.Context(), shared.ID)
	require.ErrorIs(t, err, runners.ErrForbidden)
	require.ErrorContains(t, err, "Runner associated with more than one project")
	require.NoError(t, s.admin.Runners.Delete(t.Context(), shared.ID))
	assert.Empty(t, ids(t, s.admin.Runners.ListAll(nil)))
}

func TestManagers(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID}, Managers: []runnerstest.Manager{
		{
			SystemID: "s_1", Version: "17.5.0", Revision: "abc", Platform: "linux", Architecture: "amd64",
			IPAddress: "192.0.2.7", ContactedAt: runnerstest.Ago(time.Minute),
		},
		{SystemID: "s_2", ContactedAt: runnerstest.Ago(3 * time.Hour), CreatedAt: runnerstest.Ago(4 * time.Hour)},
	}})
	managers, err := s.maintainer.Runners.Managers(t.Context(), r.ID)
	require.NoError(t, err)
	require.Len(t, managers, 2)
	m := managers[0]
	assert.Equal(t, []string{"s_1", "17.5.0", "abc", "linux", "amd64", "192.0.2.7"},
		[]string{m.SystemID, m.Version, m.Revision, m.Platform, m.Architecture, m.IPAddress})
	assert.Equal(t, runners.StatusOnline, m.Status)
	assert.Equal(t, runners.StatusOffline, managers[1].Status)
	assert.NotNil(t, m.ContactedAt)
	assert.NotNil(t, m.CreatedAt)

	_, err = s.developer.Runners.Managers(t.Context(), r.ID)
	require.ErrorIs(t, err, runners.ErrForbidden)
	none, err := s.maintainer.Runners.Managers(t.Context(), s.projectRunner().ID)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestProjectsOfARunner(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.AddRunner(runnerstest.Runner{Projects: []int64{s.app.ID, s.site.ID}})
	list := s.maintainer.Runners.Projects(r.ID, &runners.PageOptions{PerPage: 1})
	projects, err := list.Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, projects, 2)
	assert.Equal(t, "acme/app", projects[0].PathWithNamespace)
	assert.Equal(t, "acme / app", projects[0].NameWithNamespace)

	second, err := s.maintainer.Runners.Projects(r.ID, &runners.PageOptions{PerPage: 1, Page: 2}).Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, second, 1)
	assert.Equal(t, s.site.ID, second[0].ID)
}

func TestResetToken(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	r := s.projectRunner()
	fresh, err := s.maintainer.Runners.ResetToken(t.Context(), r.ID)
	require.NoError(t, err)
	assert.NotEqual(t, r.Token, fresh.Token.Reveal())

	_, err = s.stranger.Tokens.Verify(t.Context(), runners.NewToken(r.Token), nil)
	require.ErrorIs(t, err, runners.ErrForbidden)
	v, err := s.stranger.Tokens.Verify(t.Context(), fresh.Token, nil)
	require.NoError(t, err)
	assert.Equal(t, r.ID, v.ID)

	_, err = s.developer.Runners.ResetToken(t.Context(), r.ID)
	require.ErrorIs(t, err, runners.ErrForbidden)
}

func TestResetRegistrationTokens(t *testing.T) {
	t.Parallel()
	s := newStage(t, "16.11.0")
	for name, c := range map[string]struct {
		reset func(*runners.Client) (runners.Token, error)
		may   *runners.Client
		not   *runners.Client
		typ   runners.RunnerType
	}{
		"instance": {func(c *runners.Client) (runners.Token, error) {
			return c.Runners.ResetRegistrationToken(t.Context())
		}, s.admin, s.owner, runners.InstanceType},
		"group": {func(c *runners.Client) (runners.Token, error) {
			return c.Groups.ResetRegistrationToken(t.Context(), runners.Path("acme"))
		}, s.owner, s.maintainer, runners.GroupType},
		"project": {func(c *runners.Client) (runners.Token, error) {
			return c.Projects.ResetRegistrationToken(t.Context(), runners.ID(s.app.ID))
		}, s.maintainer, s.developer, runners.ProjectType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.reset(c.not)
			require.ErrorIs(t, err, runners.ErrForbidden)
			first, err := c.reset(c.may)
			require.NoError(t, err)
			second, err := c.reset(c.may)
			require.NoError(t, err)

			_, err = s.stranger.Tokens.Register(t.Context(), first, nil)
			require.ErrorIs(t, err, runners.ErrForbidden)
			registered, err := s.stranger.Tokens.Register(t.Context(), second, nil)
			require.NoError(t, err)
			d, err := s.admin.Runners.Get(t.Context(), registered.ID)
			require.NoError(t, err)
			assert.Equal(t, c.typ, d.RunnerType)
		})
	}
}
