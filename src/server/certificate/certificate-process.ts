/**
 * The program of `makeInProcess`: one order in JSON on standard input, its result in JSON on standard output. A process of its own, because the X.509
 * library takes about 20 MB, once a year, from a process that lives for months.
 */
import { text } from 'node:stream/consumers';
import { certificateRequest, selfSigned } from './make-certificate.ts';
import type { CertificateOrder } from './order.ts';

const order = JSON.parse(await text(process.stdin)) as CertificateOrder;
const result = order.kind === 'self-signed' ? await selfSigned(order.holder, order.now) : await certificateRequest(order.holder);
process.stdout.write(JSON.stringify(result));
