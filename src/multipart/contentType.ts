// Reads the Content-Type of a multipart request. Bodies are the parser's work.
import { MultipartError } from "./multipartError.ts";

// RFC 2046 section 5.1.1: 1 to 70 `bchars`, the last one not a space.
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
// One parameter; a bare value is an RFC 9110 token, a quoted one has no escapes (no boundary needs any).
const PARAMETER = /^[ \t]*;[ \t]*([A-Za-z0-9-]+)=(?:"([^"\\]*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z]+))/;
const TYPE = "multipart/form-data";

/** True for a boundary that RFC 2046 allows. */
export const isBoundary = (text: string): boolean => BOUNDARY.test(text);

/**
 * The boundary of a `multipart/form-data` Content-Type, bare or quoted.
 *
 * The type is matched in lower case only, as PocketBase does. Beside exactly one `boundary` only
 * `charset=utf-8` may stand, because some clients send it and it changes nothing.
 * @throws MultipartError `content_type`.
 */
export const readBoundary = (contentType: string): string => {
  if (!contentType.startsWith(TYPE)) throw refused("The Content-Type must be multipart/form-data.");
  let rest = contentType.slice(TYPE.length);
  let boundary: string | undefined;
  while (rest.trim() !== "") {
    const match = PARAMETER.exec(rest);
    if (match === null) throw refused("The Content-Type has a malformed parameter.");
    const [all, name = "", quoted, bare] = match;
    const value = quoted ?? bare ?? "";
    rest = rest.slice(all.length);
    if (name.toLowerCase() === "boundary") {
      if (boundary !== undefined) throw refused("The Content-Type has more than one boundary.");
      boundary = value;
    } else if (name.toLowerCase() !== "charset" || value.toLowerCase() !== "utf-8") {
      throw refused(`The Content-Type parameter "${name}" is not supported.`);
    }
  }
  if (boundary === undefined) throw refused("The Content-Type has no boundary.");
  if (!isBoundary(boundary)) throw refused("The boundary must be 1 to 70 characters of RFC 2046.");
  return boundary;
};

const refused = (reason: string): MultipartError => new MultipartError("content_type", reason);
