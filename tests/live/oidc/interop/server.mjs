// A certified provider of somebody else's making, for one client. Arguments: port, redirect URI, page after signing
// out, where to tell of a sign-out.
import { Provider } from "oidc-provider";

const [port, redirectUri, afterSignOut, backchannel] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "console",
      client_secret: "the client's secret",
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [afterSignOut],
      backchannel_logout_uri: backchannel,
      backchannel_logout_session_required: true,
    },
  ],
  scopes: ["openid", "email", "profile", "groups"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name"], groups: ["groups"] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@acme.test`, email_verified: true, given_name: id, groups: ["ops"] }),
  }),
  // It would not tell an address of this machine; the test listens on one.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  cookies: { keys: ["of a test"] },
  ttl: { Session: 3600, Grant: 3600, Interaction: 3600, AccessToken: 3600, IdToken: 3600 },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
