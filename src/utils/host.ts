// Syntax of the Host field (RFC 9110 section 7.2): a name, an IPv4 or a bracketed IPv6, and a port.
// Only checked, never used to build a URL.

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

/** Lower-case host name without port, or undefined when the value is not a valid Host. */
export const hostName = (value: string): string | undefined => {
  if (!HOST.test(value)) return undefined;
  const end = value.startsWith("[") ? value.indexOf("]") + 1 : value.indexOf(":");
  const name = (end > 0 ? value.slice(0, end) : value).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
};
