import jsonPatch from 'fast-json-patch';
import { ApiError, badRequest, unsupportedMedia } from './api-error.ts';
import { isObject, type JsonObject } from './json.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-merge.ts';

export const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'];

/** The object after a patch of that content type (but server-side apply); the original is not changed. Throws a 400, a 415 or a 422. */
export function applyPatch(contentType: string, type: string, original: JsonObject, patch: unknown): unknown {
  switch (contentType) {
    case 'application/json-patch+json':
      return applyJsonPatch(original, patch);
    case 'application/merge-patch+json':
      if (!isObject(patch)) throw badRequest('error decoding patch: json: cannot unmarshal the patch into an object');
      return mergePatch(original, patch);
    case 'application/strategic-merge-patch+json':
      if (!isObject(patch)) throw badRequest('error decoding patch: json: cannot unmarshal the patch into an object');
      return strategicMerge(type, original, patch);
    default:
      throw unsupportedMedia(PATCH_TYPES);
  }
}

function applyJsonPatch(original: JsonObject, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  try {
    return jsonPatch.applyPatch(structuredClone(original), patch as jsonPatch.Operation[], true, true).newDocument;
  } catch (error) {
    // The library throws a TypeError where a patch walks through something that it took away itself.
    if (!(error instanceof jsonPatch.JsonPatchError) && !(error instanceof TypeError)) throw error;
    throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', { causes: [{ reason: '', message: error.message.split('\n')[0] ?? '', field: '' }] });
  }
}
