// The file with the tokens. It is never half written, and nobody else may read
// it.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/seed-832548de/runners/fleet"
)

// stored is one token in the file.
type stored struct {
	Token     string     `json:"token"`
	ExpiresAt *time.Time `json:"expires_at"` // nil = never, or not known
}

// A store is the file, as long as this process has it locked.
type store struct {
	file string

	mu     sync.Mutex
	tokens map[int64]stored
}

// open locks the store and reads it. It also writes it, unchanged: where that
// does not work, no token may be touched.
func open(file string) (*store, error) {
	if file == "" {
		return nil, errors.New("-store FILE is missing: where are the tokens?")
	}
	s := &store{file: file, tokens: map[int64]stored{}}
	lock, err := os.OpenFile(s.lock(), os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists: another rotate-tokens is at work, or was killed; "+
			"in that case remove it", s.lock())
	}
	if err != nil {
		return nil, err
	}
	_ = lock.Close()
	if err = s.read(); err == nil {
		err = s.write(s.tokens)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *store) lock() string { return s.file + ".lock" }

func (s *store) close() { _ = os.Remove(s.lock()) }

func (s *store) read() error {
	text, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first token makes it
	}
	if err != nil {
		return err
	}
	if json.Unmarshal(text, &s.tokens) != nil {
		return fmt.Errorf("%s is no store of tokens", s.file) // the reason could quote a token
	}
	return nil
}

// put stores a new token. The old one is dead: it must not be lost.
func (s *store) put(_ context.Context, r fleet.Rotation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens := map[int64]stored{}
	maps.Copy(tokens, s.tokens)
	tokens[r.RunnerID] = stored{Token: r.Token.Reveal(), ExpiresAt: r.TokenExpiresAt}
	if err := s.write(tokens); err != nil {
		return err
	}
	s.tokens = tokens
	return nil
}

// write replaces the file by one that is complete and on the disk.
func (s *store) write(tokens map[int64]stored) error {
	text, err := json.MarshalIndent(tokens, "", "  ")
	if err != nil {
		return err
	}
	// CreateTemp makes files that only their owner can read: mode 0600.
	next, err := os.CreateTemp(filepath.Dir(s.file), filepath.Base(s.file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name())
	_, err = next.Write(append(text, '\n'))
	if err := errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	if err := os.Rename(next.Name(), s.file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(s.file))
}

// syncFolder brings a new name to the disk, where the system can do that.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// rescue writes a token that the store did not take to a file of its own, and
// says in which one it is.
func rescue(r *fleet.Rotation) error {
	file, err := os.CreateTemp("", fmt.Sprintf("token-of-runner-%d-*.json", r.RunnerID))
	if err != nil {
		return err
	}
	err = json.NewEncoder(file).Encode(map[int64]stored{
		r.RunnerID: {Token: r.Token.Reveal(), ExpiresAt: r.TokenExpiresAt},
	})
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return fmt.Errorf("the new token of runner %d is in %s instead", r.RunnerID, file.Name())
}
