// The life of some runners, told with @gitbeaker/rest.
//
// Each step prints its name, a tab, and as JSON what the library made of it.
// It has no calls for managers, nor for new tokens but the instance's; the
// call of that one for a runner, GitLab does not have.

import { GitbeakerRequestError, Gitlab } from "@gitbeaker/rest";

const host = process.argv[2];
const root = new Gitlab({ host, token: "glpat-fake-root" });
const mia = new Gitlab({ host, oauthToken: "glpat-fake-mia" });
const nobody = new Gitlab({ host });

const tell = (step, value) => console.log(`${step}\t${JSON.stringify(value ?? null)}`);
const ids = (rows) => rows.map((row) => row.id);

async function error(step, call) {
  try {
    tell(step, await call());
  } catch (e) {
    if (!(e instanceof GitbeakerRequestError)) throw e;
    tell(step, [e.cause.response.status, e.message]);
  }
}

tell("user", (await root.Users.showCurrentUser()).username);
tell("version", (await root.Metadata.show()).revision);

tell("pages", ids(await root.Runners.all({ perPage: 1 })));
tell("filtered", ids(await root.Runners.all({ type: "group_type", paused: true })));
tell("tagged", ids(await root.Runners.all({ tagList: ["ruby", "mysql"] })));
tell("mine", ids(await mia.Runners.all({ owned: true })));
tell("project", ids(await root.Runners.all({ projectId: "acme/my.app-2", perPage: 2 })));
tell("group", ids(await root.Runners.all({ groupId: "acme", tagList: "docker" })));

let runner = await root.Runners.show(6);
tell("details", [
  runner.description, runner.maximum_timeout, runner.tag_list,
  runner.projects[0].path_with_namespace, runner.contacted_at,
]);
tell("jobs", ids(await root.Runners.allJobs(6)));
tell("running", ids(await root.Runners.allJobs(6, { status: "running" })));

runner = await root.Runners.edit(6, {
  description: "renamed", tagList: ["a", "b"], maximumTimeout: 700, runUntagged: false,
});
tell("update", [runner.description, runner.maximum_timeout, runner.tag_list, runner.run_untagged]);
tell("pause", (await root.Runners.edit(6, { paused: true })).paused);

tell("assign", (await root.Runners.enable("acme/site", 6)).id);
tell("assigned", ids(await root.Runners.all({ projectId: "acme/site" })));
await root.Runners.disable("acme/site", 6);
tell("unassigned", ids(await root.Runners.all({ projectId: "acme/site" })));

const made = await root.Users.createCIRunner("project_type", { projectId: 9, description: "made", tagList: ["c"] });
tell("create", made.token.startsWith("glrt-"));

const registered = await nobody.Runners.register("GR1348941-fake-app", {
  description: "registered", info: { name: "story" }, tagList: ["d"], runUntagged: false, locked: true, maximumTimeout: 900,
});
tell("register", Object.keys(registered).sort());
const here = await root.Runners.show(registered.id);
tell("registered", [here.description, here.name, here.tag_list, here.run_untagged, here.locked, here.maximum_timeout]);
await nobody.Runners.verify({ token: registered.token });
tell("verify");
await nobody.Runners.remove({ token: registered.token });
tell("unregister");
await error("unregistered", () => nobody.Runners.verify({ token: registered.token }));

tell("reset registration", (await root.Runners.resetRegistrationToken({ token: "any" })).token.length >= 20);
await error("reset of nothing", () => root.Runners.resetRegistrationToken({ runnerId: 6 }));

await root.Runners.remove({ runnerId: 40 });
tell("delete");

await error("missing", () => root.Runners.show(99));
await error("forbidden", () => mia.Runners.all());
await error("owner", () => root.Runners.disable(9, 6));
await error("invalid", () => root.Runners.edit(6, { maximumTimeout: 1 }));
await error("no value", () => root.Runners.all({ type: "wrong" }));
await error("nobody", () => nobody.Runners.all({ owned: true }));
