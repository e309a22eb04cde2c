/**
 * node: what Kubernetes sees of the machine. In: the name, address and resources the Mesos agent gave us, facts of the host and the
 * Engine. Out: a Node object (registered or adopted), its status and its lease, kept fresh at almost no cost.
 */
export * from './node-object.ts';
export * from './node-reporter.ts';
