# The life of some runners, told with the gitlab gem.
#
# Each step prints its name, a tab, and as JSON what the library made of it.

require 'gitlab'
require 'json'

endpoint = "#{ARGV.fetch(0)}/api/v4"
root = Gitlab.client(endpoint: endpoint, private_token: 'glpat-fake-root')
mia = Gitlab.client(endpoint: endpoint, private_token: 'glpat-fake-mia')
unknown = Gitlab.client(endpoint: endpoint, private_token: 'unknown, and long enough to be sent as a bearer')

def tell(step, value)
  puts "#{step}\t#{JSON.generate(value)}"
end

def attempt(step)
  yield
  tell(step, nil)
rescue Gitlab::Error::ResponseError => e
  tell(step, [e.response_status, e.class.name, e.message[/message: (.*)\. Request URI/, 1]])
end

def ids(rows)
  rows.map(&:id)
end

tell('user', root.user.username)
tell('version', root.get('/version').revision)

tell('pages', ids(root.all_runners(per_page: 1).lazy_paginate.to_a))
tell('filtered', ids(root.all_runners(type: 'group_type', paused: true)))
tell('tagged', ids(root.all_runners(tag_list: %w[ruby mysql])))
tell('mine', ids(mia.runners))
tell('project', ids(root.project_runners('acme/my.app-2', per_page: 2).auto_paginate))
tell('group', ids(root.group_runners('acme', tag_list: 'docker')))

runner = root.runner(6)
tell('details', [runner.description, runner.maximum_timeout, runner.tag_list,
                 runner.projects[0].path_with_namespace, runner.contacted_at])
tell('jobs', ids(root.runner_jobs(6)))
tell('running', ids(root.runner_jobs(6, status: 'running')))
tell('managers', root.get('/runners/6/managers').map(&:system_id))

runner = root.update_runner(6, description: 'renamed', tag_list: %w[a b], maximum_timeout: 700, run_untagged: false)
tell('update', [runner.description, runner.maximum_timeout, runner.tag_list, runner.run_untagged])
tell('pause', root.update_runner(6, paused: true).paused)

tell('assign', root.project_enable_runner('acme/site', 6).id)
tell('assigned', ids(root.project_runners('acme/site')))
root.project_disable_runner('acme/site', 6)
tell('unassigned', ids(root.project_runners('acme/site')))

made = root.post('/user/runners', body: { runner_type: 'project_type', project_id: 9, description: 'made', tag_list: 'c' })
tell('create', made.token.start_with?('glrt-'))

registered = root.register_runner('GR1348941-fake-app', description: 'registered', info: { name: 'story' },
                                  tag_list: 'd', run_untagged: false, locked: true, maximum_timeout: 900)
tell('register', registered.to_h.keys.sort)
here = root.runner(registered.id)
tell('registered', [here.description, here.name, here.tag_list, here.run_untagged, here.locked, here.maximum_timeout])
root.verify_auth_registered_runner(registered.token)
tell('verify', nil)
root.delete_registered_runner(registered.token)
tell('unregister', nil)
attempt('unregistered') { root.verify_auth_registered_runner(registered.token) }

reset = root.post("/runners/#{made.id}/reset_authentication_token")
tell('reset', reset.token != made.token)
again = root.post('/runners/reset_authentication_token', body: { token: reset.token })
tell('reset by token', again.token != reset.token)
tell('reset registration', ['', '/projects/9', '/groups/acme'].map do |of|
  root.post("#{of}/runners/reset_registration_token").token.size >= 20
end)

root.delete_runner(40)
tell('delete', nil)

attempt('missing') { root.runner(99) }
attempt('forbidden') { mia.all_runners }
attempt('owner') { root.project_disable_runner(9, 6) }
attempt('invalid') { root.update_runner(6, maximum_timeout: 1) }
attempt('no value') { root.all_runners(type: 'wrong') }
attempt('nobody') { unknown.runners }
