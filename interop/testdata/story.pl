# The life of some runners, told with GitLab::API::v4.
#
# Each step prints its name, a tab, and as JSON what the library made of it.
# The library has no calls for creation, registration, verification, resets,
# managers and the runners of a group.

use strict;
use warnings;
use GitLab::API::v4;
use JSON;

$| = 1;
my $url    = "$ARGV[0]/api/v4";
my $root   = GitLab::API::v4->new(url => $url, private_token => 'glpat-fake-root');
my $mia    = GitLab::API::v4->new(url => $url, access_token  => 'glpat-fake-mia');
my $nobody = GitLab::API::v4->new(url => $url);
my $json   = JSON->new->canonical->allow_nonref;

sub tell_step {
    my ($step, $value) = @_;
    print "$step\t", $json->encode($value), "\n";
}

sub error {
    my ($step, $call) = @_;
    my $value = eval { $call->() };
    my ($code, $text) = $@ =~ /\(HTTP (\d+)\): (.*) at \S+ line/;
    tell_step($step, $@ ? [$code + 0, $text] : $value);
}

sub ids { [map { $_->{id} } @{ $_[0] }] }

tell_step(user    => $root->current_user->{username});
tell_step(version => $root->version->{revision});

my @pages;
my $paginator = $root->paginator('all_runners', { per_page => 1 });
while (my $runner = $paginator->next) { push @pages, $runner->{id} }
tell_step(pages    => \@pages);
tell_step(filtered => ids($root->all_runners({ type => 'group_type', paused => 'true' })));
tell_step(tagged   => ids($root->all_runners({ tag_list => 'ruby,mysql' })));
tell_step(mine     => ids($mia->runners));
tell_step(project  => ids($root->paginator('project_runners', 'acme/my.app-2', { per_page => 2 })->all));

my $runner = $root->runner(6);
tell_step(details => [
    @$runner{qw(description maximum_timeout tag_list)},
    $runner->{projects}[0]{path_with_namespace}, $runner->{contacted_at},
]);
tell_step(jobs    => ids($root->runner_jobs(6)));
tell_step(running => ids($root->runner_jobs(6, { status => 'running' })));

$runner = $root->update_runner(6, {
    description => 'renamed', tag_list => ['a', 'b'], maximum_timeout => 700, run_untagged => 0,
});
tell_step(update => [@$runner{qw(description maximum_timeout tag_list run_untagged)}]);
tell_step(pause  => $root->update_runner(6, { paused => 1 })->{paused});

tell_step(assign     => $root->enable_project_runner('acme/site', { runner_id => 6 })->{id});
tell_step(assigned   => ids($root->project_runners('acme/site')));
$root->disable_project_runner('acme/site', 6);
tell_step(unassigned => ids($root->project_runners('acme/site')));

$root->delete_runner(40);
tell_step(delete => undef);

error(missing    => sub { $root->runner(99) });
error(forbidden  => sub { $mia->all_runners });
error(owner      => sub { $root->disable_project_runner(9, 6) });
error(invalid    => sub { $root->update_runner(6, { maximum_timeout => 1 }) });
error('no value' => sub { $root->all_runners({ type => 'wrong' }) });
error(nobody     => sub { $nobody->runners });
