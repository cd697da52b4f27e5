// Web origins (RFC 6454 section 4): scheme, host and port of the page that sent a request. Decides nothing about them.

// Also the schemes of apps in a shell, such as `capacitor://localhost`. Browsers write no path, user or blank.
const ORIGIN = /^([a-z][a-z0-9+.-]{0,31}):\/\/(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?$/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * An origin in its one spelling: lower case, without a default port. Undefined for `null`, for anything with a path,
 * and for host names that are not in ASCII (browsers send `xn--...`).
 */
export const readOrigin = (text: string): string | undefined => {
  const [, scheme, host, port] = ORIGIN.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || host === undefined) return undefined;
  const number = port === undefined ? DEFAULT_PORTS[scheme] : Number(port);
  if (number !== undefined && (number < 1 || number > 65535)) return undefined;
  const isDefault = number === DEFAULT_PORTS[scheme];
  return `${scheme}://${host}${isDefault ? "" : `:${number}`}`;
};
