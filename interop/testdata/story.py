"""The life of some runners, told with python-gitlab.

Each step prints its name, a tab, and as JSON what the library made of it.
"""

import json
import sys

import gitlab

url = sys.argv[1]
gl = gitlab.Gitlab(url, private_token="glpat-fake-root")
mia = gitlab.Gitlab(url, oauth_token="glpat-fake-mia")
nobody = gitlab.Gitlab(url)
app = gl.projects.get("acme/my.app-2", lazy=True)
site = gl.projects.get("acme/site", lazy=True)
acme = gl.groups.get("acme", lazy=True)


def tell(step, value):
    print(step, json.dumps(value), sep="\t")


def error(step, call):
    try:
        call()
        tell(step, None)
    except gitlab.GitlabError as err:
        tell(step, [err.response_code, type(err).__name__, str(err)])


def ids(rows):
    return [row.id for row in rows]


gl.auth()
tell("user", gl.user.username)
tell("version", gl.version()[1])

tell("pages", ids(gl.runners_all.list(iterator=True, per_page=1)))
tell("filtered", ids(gl.runners_all.list(type="group_type", paused=True, get_all=True)))
tell("tagged", ids(gl.runners.all(tag_list="ruby,mysql")))
tell("mine", ids(mia.runners.list(get_all=True)))
tell("project", ids(app.runners.list(iterator=True, per_page=2)))
tell("group", ids(acme.runners.list(tag_list=["docker"], get_all=True)))

runner = gl.runners.get(6)
tell("details", [runner.description, runner.maximum_timeout, runner.tag_list,
                 runner.projects[0]["path_with_namespace"], runner.contacted_at])
tell("jobs", ids(runner.jobs.list(get_all=True)))
tell("running", ids(runner.jobs.list(status="running", get_all=True)))
tell("managers", [m["system_id"] for m in gl.http_get("/runners/6/managers")])

runner.description = "renamed"
runner.tag_list = ["a", "b"]
runner.maximum_timeout = 700
runner.run_untagged = False
runner.save()
tell("update", [runner.description, runner.maximum_timeout, runner.tag_list, runner.run_untagged])
tell("pause", gl.runners.update(6, {"paused": True})["paused"])

tell("assign", site.runners.create({"runner_id": 6}).id)
tell("assigned", ids(site.runners.list(get_all=True)))
site.runners.delete(6)
tell("unassigned", ids(site.runners.list(get_all=True)))

made = gl.http_post("/user/runners", post_data={
    "runner_type": "project_type", "project_id": 9, "description": "made", "tag_list": ["c"]})
tell("create", made["token"].startswith("glrt-"))

registered = nobody.runners.create({
    "token": "GR1348941-fake-app", "description": "registered", "info": {"name": "story"},
    "tag_list": ["d"], "run_untagged": False, "locked": True, "maximum_timeout": 900})
tell("register", sorted(registered.attributes))
here = gl.runners.get(registered.id)
tell("registered", [here.description, here.name, here.tag_list, here.run_untagged, here.locked, here.maximum_timeout])
tell("verify", nobody.runners.verify(registered.token))
nobody.runners.delete(token=registered.token)
tell("unregister", None)
error("unregistered", lambda: nobody.runners.verify(registered.token))

reset = gl.http_post(f"/runners/{made['id']}/reset_authentication_token")
tell("reset", reset["token"] != made["token"])
again = nobody.http_post("/runners/reset_authentication_token", post_data={"token": reset["token"]})
tell("reset by token", again["token"] != reset["token"])
tell("reset registration", [
    len(gl.http_post(path + "runners/reset_registration_token")["token"]) >= 20
    for path in ("/", "/projects/9/", "/groups/acme/")])

gl.runners.delete(40)
tell("delete", None)

error("missing", lambda: gl.runners.get(99))
error("forbidden", lambda: mia.runners.all())
error("owner", lambda: app.runners.delete(6))
error("invalid", lambda: gl.runners.update(6, {"maximum_timeout": 1}))
error("no value", lambda: gl.runners_all.list(type="wrong"))
error("nobody", lambda: nobody.runners.list())
