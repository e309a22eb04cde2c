/** Writes the pod's /etc/hosts on the node and returns its path. */
export declare function writeHostsFile(rootDir: string, uid: string, content: string): Promise<string>;

/** A new empty file, writable by every user, for the termination message of the container to come. Returns its path. */
export declare function createTerminationMessageFile(rootDir: string, uid: string, containerName: string): Promise<string>;

/** Replaces the content of a started sandbox's resolv.conf in place: containers hold that very file. */
export declare function writeResolvConf(path: string, content: string): Promise<void>;
