/**
 * node: what Kubernetes sees of the machine. In: the name, address and resources that the Mesos agent gave us, facts of the host and
 * the Engine. Out: a Node object (registered or adopted), its status and its lease, kept fresh at almost no cost.
 *
 * It promises: a Node that somebody deletes or marks comes back as it should be within 10 s; labels, annotations, taints and conditions of
 * others stay; a clean end is seen at once, a crash after the lease (40 s).
 */
export * from './host-info.ts';
export * from './node-lease.ts';
export * from './node-object.ts';
export * from './node-reporter.ts';
