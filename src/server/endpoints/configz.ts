import { json } from '../http/answer.ts';
import type { Route } from '../http/router.ts';

/** `/configz`: the settings that hold, by the names of KubeletConfiguration. */
export function configzRoutes(kubeletConfig: () => object): Route[] {
  return [{ methods: 'any', pattern: '/configz', serve: () => json({ kubeletconfig: { kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1', ...kubeletConfig() } }) }];
}
