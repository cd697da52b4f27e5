// Whether a client may see the superusers' area, by where it comes from. Knows no superuser.
import { type Client, createAddressTest } from "./address.ts";

/** `Admin.Access` and `Admin.AllowIPs`. */
export interface AdminAccess {
  readonly access: "private" | "public" | "off";
  /** CIDR blocks that may see it beside private ones. */
  readonly allowedBlocks: readonly string[];
}

/** Makes the test. An address that stands for somebody unknown behind a proxy is never on the list. */
export const createAdminTest = ({ access, allowedBlocks }: AdminAccess): ((client: Client) => boolean) => {
  const isAllowed = createAddressTest(allowedBlocks);
  return ({ isPrivate, isProxied, address }) => {
    if (access === "off") return false;
    return access === "public" || isPrivate || (!isProxied && isAllowed(address));
  };
};
