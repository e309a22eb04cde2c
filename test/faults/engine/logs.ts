import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { StandInContainer } from './container.ts';

/** 8 bytes of header, then the text (Docker Engine API v1.41, "Attach to a container"). */
export function frame(text: string, stream: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream === 'stderr' ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** The log as it is now; nothing is followed. */
export function sendLog(container: StandInContainer, query: URLSearchParams, response: ServerResponse): void {
  const lines = container.starts === 0 ? [] : readFileSync(container.logPath, 'utf8').split('\n').filter((line) => line !== '');
  const tail = query.get('tail');
  const wanted = tail === null || tail === 'all' ? lines : lines.slice(-Number(tail));
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  for (const line of wanted) {
    const { log, stream } = JSON.parse(line) as { log: string; stream: string };
    response.write(frame(log, stream));
  }
  response.end();
}
