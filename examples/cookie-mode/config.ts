// Hapta with cookie sessions; everything else as it comes.
export default { Security: { Cookies: { isEnabled: true, SameSite: "lax" } } };
