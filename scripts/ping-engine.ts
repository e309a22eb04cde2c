/** Exit 0 when the Docker Engine of DOCKER_HOST answers. */
import { connectEngine } from './engine-api.ts';

const answer = await connectEngine(process.env).request('GET', '/_ping', { timeoutMs: 5_000 });
process.exitCode = answer.status === 200 ? 0 : 1;
