import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKm } from '../../support/run-km.ts';

const RECORDING = new URL('../../recordings/pods/16-bad-bytes.jsonl', import.meta.url).pathname;
/** No Engine is asked for anything here. */
const ENVIRONMENT = { ...process.env, DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

let folder: string;
let broken: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-cli-'));
  broken = join(folder, 'broken.jsonl');
  writeFileSync(broken, '{"format":"km-recording/1"}\n{"t":1,"conn":"one","from":"agent"}\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.concurrent('km replay', () => {
  it.each([
    ['a file that is not there', () => ['no-such-file.jsonl'], /^km replay: no-such-file.jsonl: cannot be read: ENOENT/],
    ['a file that is no recording', () => [broken], /broken\.jsonl: line 2, conn: expected the number of a connection\n$/],
    ['no file', () => [], /missing required argument 'file'/],
    ['a wrong format', () => [RECORDING, '--format=pdf'], /argument 'pdf' is invalid/],
    ['a wrong encoding', () => [RECORDING, '--content-type=xml'], /argument 'xml' is invalid/],
    ['a wrong duration', () => [RECORDING, '--timeout=soon'], /"soon" is no duration/],
    ['an unknown flag', () => [RECORDING, '--speed=2'], /unknown option '--speed=2'/],
  ])('ends with 2 and a line on standard error for %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await runKm(['replay', ...args()], ENVIRONMENT);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    ['text', /^data is not text\n[^]*differs from the recording/],
    ['json', /^\{\n {2}"file": /],
    ['html', /^<!doctype html>[^]*differs from the recording/],
  ])('ends with 1 when the executor differs, and says so in %s', async (format, text) => {
    const { code, stdout } = await runKm(['replay', RECORDING, `--format=${format}`, '--no-kubernetes', '--executor=/bin/false'], ENVIRONMENT);
    expect(stdout).toMatch(text);
    expect(stdout).toContain('exited with 1');
    expect(code).toBe(1);
  });

  it('prints all its flags with their defaults', async () => {
    const { code, stdout } = await runKm(['replay', '--help'], ENVIRONMENT);
    for (const flag of ['--format', '--content-type', '--timeout', '--keep', '--no-kubernetes', '--executor']) expect(stdout).toContain(flag);
    expect(code).toBe(0);
  });
});

describe.concurrent('km record', () => {
  it.each([
    [['--listen=nowhere', '--agent=127.0.0.1:5051', '--out=x'], /expected HOST:PORT or unix:PATH/],
    [['--listen=127.0.0.1:99999', '--agent=127.0.0.1:5051', '--out=x'], /expected HOST:PORT or unix:PATH/],
    [['--agent=127.0.0.1:5051', '--out=x'], /required option '--listen/],
    [['--listen=127.0.0.1:0', '--agent=127.0.0.1:5051', '--out=/nonexistent/x'], /^km record: cannot write a new file \/nonexistent\/x/],
  ])('ends with 2 for %j', async (flags, message) => {
    const { code, stderr } = await runKm(['record', ...flags], ENVIRONMENT);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
