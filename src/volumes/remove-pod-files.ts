/**
 * Unmounts what is mounted below the pod's directory, then removes it. Throws code `internal`, and leaves everything, when something
 * below cannot be unmounted: deleting through a mount would delete somebody's data. Gone already is success.
 */
export declare function removePodFiles(rootDir: string, uid: string): Promise<void>;
/** UIDs of the pods that have a directory. */
export declare function listPodDirectories(rootDir: string): Promise<string[]>;
