"""What the services of single sign-on say, so that pages can say it in the reader's language."""

from django.utils.translation import gettext_noop

from tenants.console import sentences

sentences.add(
    [
        # At the door.
        gettext_noop("This sign-in was used already, or took too long. Start it again."),
        gettext_noop(
            "Nobody here is linked to this sign-in. Ask an owner or an admin to invite you; if you have an account, "
            "sign in with your password and link it in your profile."
        ),
        gettext_noop("Your provider does not say that your e-mail address is verified."),
        gettext_noop("Your e-mail address is not in a domain that may sign in here."),
        gettext_noop("Your place here is suspended. Ask an owner or an admin."),
        gettext_noop("Staff of the platform sign in with their own password, never by a tenant's provider."),
        gettext_noop("This sign-in belongs to another member here. Sign out at your provider first."),
        gettext_noop(
            "Your company's sign-in answered in a way that we do not accept. Try again; if it stays, tell an admin: "
            "the audit log says why."
        ),
        gettext_noop(
            "Your company's sign-in cannot be reached just now. Try again in a moment; owners can use their password."
        ),
        gettext_noop("Your company's sign-in did not let you in, or you cancelled it. Try again, or ask an admin."),
        gettext_noop("This tenant asks you to sign in by your company."),
        gettext_noop("This belongs to your account, not to one tenant: sign in with your own password or passkey."),
        # Saving.
        gettext_noop("While a group is mapped to owner, only an owner can save how people sign in."),
        gettext_noop("Enter the client secret anew: the issuer or the client id is another."),
        gettext_noop("Enter the provider's issuer: an https:// URL without a query, 300 characters at most."),
        gettext_noop("Enter the issuer alone, without /.well-known/openid-configuration."),
        gettext_noop("Enter the client id that the provider gave you."),
        gettext_noop("A client secret is one line of at most 1000 characters."),
        gettext_noop("Enter scopes with single spaces between them; “openid” is one of them."),
        gettext_noop("Whoever comes in by single sign-on starts as admin, operator, viewer or billing."),
        gettext_noop("Enter the name of the claim that lists groups, such as “groups”."),
        gettext_noop("At most {most} groups can be mapped."),
        gettext_noop("A group's name is one line of at most {most} characters."),
        gettext_noop("There is no role “{role}”."),
        gettext_noop("At most {most} domains can be listed."),
        gettext_noop("“{name}” is not a domain such as example.com."),
        gettext_noop("A session lasts {least} to {most} hours."),
        gettext_noop("Single sign-on can only be required while it is switched on."),
        gettext_noop("Save a provider first, then test it."),
        # What a provider says, or does not.
        gettext_noop("The document is not a JSON object."),
        gettext_noop("The provider calls itself {issuer}: enter it exactly so, slash or not."),
        gettext_noop("The document names the issuer {own}, not {issuer}."),
        gettext_noop("The document has no {name}."),
        gettext_noop("{name} is not a URL that we would use: {url}."),
        gettext_noop("The provider answers with a redirect, which we do not follow: enter its own URL."),
        gettext_noop("The provider answers with status {status}."),
        gettext_noop("The provider's key set has no “keys”."),
        # The steps of a test.
        gettext_noop("The provider names itself exactly so."),
        gettext_noop("Authorization, token and keys are there. It has no {what}."),
        gettext_noop("Authorization, token and keys are there."),
        gettext_noop("{able} of {all} keys can be used."),
        gettext_noop("None of its {all} keys can sign with {names}."),
        gettext_noop("It signs with {names}; we verify {ours}."),
        gettext_noop("It signs with {names}."),
        gettext_noop("The provider does not say whether it checks PKCE; we send it all the same."),
        gettext_noop("It checks PKCE with S256."),
        gettext_noop("It offers PKCE without S256, and we use nothing else."),
        gettext_noop("The provider does not accept the client id and secret ({word})."),
        gettext_noop("The provider accepts the client id and secret."),
        gettext_noop("The provider answers {word}, which does not tell. A real sign-in will."),
        gettext_noop("The provider knows {uri}."),
        gettext_noop("The provider refuses it. Register this redirect URI: {uri}"),
        gettext_noop("Status {status} does not tell. Register this redirect URI: {uri}"),
        gettext_noop("Needs the provider's address first."),
        gettext_noop("Needs the discovery document first."),
        gettext_noop("Needs a discovery document that fits the issuer."),
        gettext_noop("The provider's name leads to {addresses}."),
        gettext_noop("The provider answers at {url}."),
    ]
)
