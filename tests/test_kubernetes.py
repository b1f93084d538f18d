"The Kubernetes profile, on a cluster of one: a `kubectl` that runs a Job where it stands."
import subprocess, sys
from pathlib import Path
import pytest, yaml

PROFILE = Path(__file__).parents[1]/'profiles/kubernetes'

KUBECTL = '''#!{python}
import json, os, subprocess, sys, yaml
from pathlib import Path
jobs, (verb, *rest) = Path({jobs!r}), sys.argv[1:]
if verb == 'create':
    job = yaml.safe_load(sys.stdin)
    name = job['metadata']['generateName'] + str(len(list(jobs.iterdir())))
    step, = job['spec']['template']['spec']['containers']
    # as in a pod: its own environment, and no more
    code = subprocess.call(step['command'], env={{e['name']: e['value'] for e in step.get('env', [])}})
    (jobs/name).write_text(json.dumps(dict(code=code, limits=step['resources'])))
    print(name, end='')
elif verb == 'get':
    path = jobs/rest[1]
    if path.exists(): print(rest[1], 'Failed' if json.loads(path.read_text())['code'] else 'Complete', end='')
'''

SNAKEFILE = '''
import os
envvars: 'PATH'
rule all:
    input: 'good', 'bad'
rule good:
    output: 'good'
    threads: 2
    resources: gpu=3
    shell: 'echo {threads} > good'
rule bad: # the first time
    output: 'bad'
    shell: 'if mkdir once; then exit 1; else touch bad; fi'
'''

@pytest.fixture
def cluster(tmp_path, monkeypatch):
    "A folder with a study of two steps, where `kubectl` is the one above."
    (tmp_path/'bin').mkdir(); (tmp_path/'jobs').mkdir()
    kubectl = tmp_path/'bin/kubectl'
    kubectl.write_text(KUBECTL.format(python=sys.executable, jobs=str(tmp_path/'jobs'))); kubectl.chmod(0o755)
    (tmp_path/'Snakefile').write_text(SNAKEFILE)
    (tmp_path/'profiles').mkdir(); (tmp_path/'profiles/kubernetes').symlink_to(PROFILE)
    monkeypatch.setenv('PATH', f'{kubectl.parent}:{Path(sys.executable).parent}:/usr/bin:/bin')
    return tmp_path

@pytest.mark.slow
def test_a_step_becomes_a_job_and_is_tried_again(cluster):
    done = subprocess.run(['snakemake', '--profile', 'profiles/kubernetes', '--latency-wait', '5', '--set-threads', 'good=2',
                           '--seconds-between-status-checks', '1'],
                          cwd=cluster, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (cluster/'good').read_text() == '2\n' and (cluster/'bad').exists()
    jobs = [yaml.safe_load(p.read_text()) for p in (cluster/'jobs').iterdir()]
    assert sorted(j['code'] for j in jobs) == [0, 0, 1]
    limits = sorted((j['limits'] for j in jobs), key=lambda r: r['limits']['nvidia.com/gpu'])
    assert limits[-1] == dict(requests=dict(cpu='2', memory='8000M'), limits={'memory': '8000M', 'nvidia.com/gpu': '3'})
    assert limits[0]['limits']['nvidia.com/gpu'] == '0'

def test_what_the_cluster_says_of_a_job(cluster):
    def said(name): return subprocess.run([PROFILE/'status', name], text=True, stdout=subprocess.PIPE).stdout
    for name, code in (('right', 0), ('wrong', 1)): (cluster/'jobs'/name).write_text(f'{{"code": {code}}}')
    assert [said(n) for n in ('right', 'wrong', 'deleted')] == ['success\n', 'failed\n', 'failed\n']
    (cluster/'bin/kubectl').write_text('#!/bin/sh\necho "srstudy-x "\n')
    assert said('srstudy-x') == 'running\n'
    (cluster/'bin/kubectl').write_text('#!/bin/sh\nexit 1\n')   # it does not answer
    assert said('srstudy-x') == 'running\n'
