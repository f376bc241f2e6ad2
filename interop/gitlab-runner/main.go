// Gitlab-runner is GitLab's own runner program with one executor, the shell.
//
// All that it does is in the packages of the official program, unchanged; only
// their assembly is here, because some modules that the whole needs could not
// be downloaded. The tests of this folder run it against the pretended GitLab.
package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli"
	"gitlab.com/gitlab-org/gitlab-runner/commands"
	"gitlab.com/gitlab-org/gitlab-runner/common"
	"gitlab.com/gitlab-org/gitlab-runner/executors"
	"gitlab.com/gitlab-org/gitlab-runner/executors/shell"
	"gitlab.com/gitlab-org/gitlab-runner/log"
	"gitlab.com/gitlab-org/gitlab-runner/network"

	_ "gitlab.com/gitlab-org/gitlab-runner/shells" // bash among them
)

func main() {
	program, err := os.Executable()
	if err != nil {
		fail(err)
	}
	providers := executors.NewProviderRegistry(map[string]common.ExecutorProvider{
		"shell": shell.NewProvider(program),
	})
	collector := network.NewAPIRequestsCollector()
	gitlab := network.NewGitLabClient(
		network.WithAPIRequestsCollector(collector),
		network.WithExecutorProviderFunc(providers.GetByName),
	)
	app := cli.NewApp()
	app.Name = "gitlab-runner"
	app.Commands = []cli.Command{
		commands.NewListCommand(),
		commands.NewRegisterCommand(gitlab, providers),
		commands.NewResetTokenCommand(gitlab),
		commands.NewRunCommand(gitlab, collector, providers),
		commands.NewRunSingleCommand(gitlab, providers),
		commands.NewUnregisterCommand(gitlab),
		commands.NewVerifyCommand(gitlab),
	}
	log.ConfigureLogging(app)
	if err := app.Run(os.Args); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
