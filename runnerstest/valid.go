// What makes a runner valid: the rules of GitLab's records, which all the ways
// to make or change a runner share.

package runnerstest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-832548de/runners"
)

// The limits of a runner's attributes.
const (
	maxTags      = 50
	maxText      = 1024 // characters of a description or maintenance note
	maxName      = 256
	leastTimeout = 600 // seconds
)

// violationsOf returns what is wrong with a runner. Too many tags are wrong only
// when the tags change.
func (v *view) violationsOf(r *runner, tagsChange bool) (violations []violation) {
	if r.maximumTimeout != nil && *r.maximumTimeout < leastTimeout {
		violations = append(violations, violation{"maximum_timeout", "needs to be at least 10 minutes"})
	}
	violations = append(violations, tooLong("description", &r.description, maxText)...)
	violations = append(violations, tooLong("name", r.name, maxName)...)
	violations = append(violations, tooLong("maintenance_note", r.maintenanceNote, maxText)...)
	if len(r.tagList) == 0 && !r.runUntagged {
		violations = append(violations, violation{
			"tags_list",
			"can not be empty when runner is not allowed to pick untagged jobs",
		})
	}
	if tagsChange && len(r.tagList) > maxTags && v.edition.has("rule: at most 50 tags") {
		violations = append(violations, violation{"tags_list", fmt.Sprintf(
			"Too many tags specified. Please limit the number of tags to %d", maxTags)})
	}
	return violations
}

func tooLong(attribute string, value *string, most int) []violation {
	if value == nil || utf8.RuneCountInString(*value) <= most {
		return nil
	}
	return []violation{{attribute, fmt.Sprintf("is too long (maximum is %d characters)", most)}}
}

// limitViolations returns whether a runner that is being made is one too many
// for its project or group. Stale runners do not count.
func (v *view) limitViolations(r *runner) []violation {
	switch {
	case !v.edition.has("rule: plan limits"):
		return nil
	case r.kind == runners.ProjectType && v.projectIsFull(r.owner()):
		return []violation{{"runner_projects.base", v.projectLimitText()}}
	case r.kind == runners.GroupType && v.groupIsFull(r.group):
		return []violation{{"runner_namespaces.base", fmt.Sprintf(
			"Maximum number of ci registered group runners (%d) exceeded", v.world.limits.groupRunners)}}
	default:
		return nil
	}
}

func (v *view) projectLimitText() string {
	return fmt.Sprintf("Maximum number of ci registered project runners (%d) exceeded",
		v.world.limits.projectRunners)
}

func (v *view) projectIsFull(p *project) bool {
	return v.isFull(v.world.limits.projectRunners, func(r *runner) bool {
		return r.assignment(p) != nil
	})
}

func (v *view) groupIsFull(g *group) bool {
	return v.isFull(v.world.limits.groupRunners, func(r *runner) bool { return r.group == g })
}

func (v *view) isFull(limit int, counts func(*runner) bool) bool {
	if limit == 0 {
		return false
	}
	for _, r := range v.world.runners.rows {
		if counts(r) && !v.stale(r.createdAt, r.contactedAt) {
			limit--
		}
	}
	return limit <= 0
}

// add puts a new, valid runner into the world, with an id and a token.
func (v *view) add(r *runner) {
	w := v.world
	r.id = w.runners.next()
	r.createdAt, r.updatedAt = instantOf(v.now), instantOf(v.now)
	r.token = w.newRunnerToken(r)
	w.runners.put(r.id, r)
	w.runnersByToken.put(r.token, r)
}

// newToken gives a runner another token; the old one is void.
func (v *view) newToken(r *runner) {
	w := v.world
	delete(w.runnersByToken, r.token)
	r.token = w.newRunnerToken(r)
	w.runnersByToken.put(r.token, r)
	r.tokenExpiresAt = instantOf(v.tokenExpiry(r))
}

// created fills in what the parameters of a new runner say. A blank one counts
// as not given.
func (q *request) created(r *runner) {
	if v, ok := q.presentText("description"); ok {
		r.description = v
	}
	if v, ok := q.boolean("paused"); ok {
		r.paused = v
	}
	if v, ok := q.boolean("locked"); ok {
		r.locked = v
	}
	r.runUntagged = true
	if v, ok := q.boolean("run_untagged"); ok {
		r.runUntagged = v
	}
	if v, ok := q.list("tag_list"); ok {
		r.tagList = distinct(v)
	}
	if v, ok := q.presentText("access_level"); ok {
		r.refProtected = v == string(runners.RefProtected)
	}
	if v, ok := q.integer("maximum_timeout"); ok {
		r.maximumTimeout = &v
	}
	if v, ok := q.presentText("maintenance_note"); ok {
		r.maintenanceNote = &v
	}
}

// sentences makes prose of violations, as GitLab does where it has no
// attributes to hang them on: "A", "A and B", "A, B, and C".
func sentences(violations []violation) string {
	all := make([]string, len(violations))
	for i, v := range violations {
		all[i] = humanized(v.attribute) + " " + v.text
	}
	switch len(all) {
	case 1:
		return all[0]
	case 2:
		return all[0] + " and " + all[1]
	default:
		last := len(all) - 1
		return strings.Join(all[:last], ", ") + ", and " + all[last]
	}
}

// humanized turns tags_list into "Tags list".
func humanized(attribute string) string {
	words := strings.FieldsFunc(attribute, func(r rune) bool { return strings.ContainsRune("_.", r) })
	text := []rune(strings.Join(words, " "))
	return string(slices.Concat([]rune{unicode.ToUpper(text[0])}, text[1:]))
}
