# E‑mails.

mail-subject-many = { $count ->
    [one] Votre publication : une réponse de { $brand }
   *[other] Votre publication : { $count } réponses de { $brand }
}
mail-greeting = Bonjour,
mail-greeting-handle = Bonjour { $handle },
mail-intro = voici ce qu’est devenue votre publication.

mail-added = Il est dans votre panier et y reste jusqu’à ce que vous l’achetiez ou le retiriez.
mail-quantity-changed = Votre panier en avait { $from }, il en a maintenant { $to }.
mail-already-in-cart = Il était déjà dans votre panier, rien n’a donc changé.
mail-preordered = Il est dans votre panier en précommande et sera envoyé à sa sortie.
mail-preordered-on = Il est dans votre panier en précommande et sort le { $date }.
mail-removed = Il n’est plus dans votre panier ni sur votre liste d’envies.
mail-not-in-cart = Il n’était pas dans votre panier, il n’y avait donc rien à retirer.
mail-wished = Il est sur votre liste d’envies.
mail-superseded = Vous l’avez changé plus tard, et ce changement reste valable. Votre publication est arrivée après lui.
mail-out-of-stock = Il est épuisé et n’a donc pas été ajouté.
mail-deal-excluded = C’est une offre limitée. Un panier ne peut pas la retenir : achetez-la en boutique.
mail-digital-excluded = C’est un téléchargement. Les téléchargements s’achètent en boutique.
mail-restricted = Il ne peut pas être commandé par une publication. Visitez la boutique.
mail-wrong-marketplace = Une autre de nos boutiques le vend. Utilisez pour elle le mot-dièse { $tag }.
mail-wrong-marketplace-unnamed = Une autre de nos boutiques le vend.
mail-choose-option = Il y en a plusieurs. Choisissez dans votre panier :
mail-quantity-capped = Vous en avez demandé { $asked }. Nous pouvons en mettre au plus { $got } dans votre panier.
mail-unknown-product = Nous ne connaissons pas le produit du lien. Il est peut-être nouveau ou n’est plus en boutique.
mail-no-product-link = Aucun lien vers un produit, ni dans votre publication ni dans celle à laquelle elle répond.
mail-parent-unavailable = Nous ne pouvons pas lire la publication à laquelle vous avez répondu. Elle est peut-être supprimée ou protégée.
mail-cart-full = Votre panier est plein, il n’a donc pas été ajouté. Retirez quelque chose et publiez de nouveau.
mail-too-old = La publication est trop ancienne pour nous.
mail-not-linked = Votre compte n’était pas encore associé. Nous vous l’avons gardé.
mail-rate-limited = Cela fait beaucoup en peu de temps, nous avons donc laissé celle-ci de côté. Réessayez plus tard.
mail-blocked = Nous n’acceptons pas les publications de ce compte. Si vous pensez que c’est une erreur, écrivez-nous.
mail-helped = Répondez avec notre mot-dièse { $tag } à une publication qui montre un produit. « x2 » pour deux, une taille ou une couleur pour choisir, « { $remove } » pour l’enlever, « { $stop } » pour ne plus recevoir de réponses.
mail-stopped = Nous ne répondrons plus à vos publications et n’enverrons plus d’e‑mails à leur sujet. Écrivez « { $start } » près du mot-dièse pour changer cela.
mail-started = Bon retour parmi nous. Nous répondons de nouveau à vos publications.
mail-purchased = Vous en avez acheté { $quantity }, il a donc quitté votre panier.
mail-erased = Vous avez supprimé la publication, ce qu’elle demandait ne compte donc plus.

mail-quantity = Quantité : { $quantity }
mail-price = Prix : { $price }
mail-picture = Image de { $title }
mail-button-cart = Ouvrir mon panier
mail-post = Votre publication
mail-reason = Vous recevez cet e‑mail parce que vous avez associé votre compte { $account } à { $brand } et publié avec notre mot-dièse.
mail-preferences = Réglages
mail-unsubscribe = Ne plus recevoir ces e‑mails
mail-support = Des questions ? { $support }
mail-prices-change = Les prix sont ceux du moment de votre publication. Ce que vous payez s’affiche au paiement.

sign-in-subject = Votre lien de connexion à { $brand }
sign-in-intro = quelqu’un, vous espérons-le, veut accéder à votre panier chez { $brand }.
sign-in-button = Se connecter
sign-in-expiry = { $minutes ->
    [one] Le lien sert une fois et pendant une minute.
   *[other] Le lien sert une fois et pendant { $minutes } minutes.
}
sign-in-ignore = Si ce n’est pas vous, ne faites rien : sans cet e‑mail personne n’entre.

confirm-subject = Confirmez votre adresse pour { $brand }
confirm-intro = vous avez associé { $account } à { $brand }. Confirmez que cette adresse est la vôtre.
confirm-button = Confirmer mon adresse
confirm-expiry = { $minutes ->
    [one] Le lien sert une fois et pendant une minute.
   *[other] Le lien sert une fois et pendant { $minutes } minutes.
}
confirm-ignore = Si ce n’est pas vous, ne faites rien : sans confirmation le compte reste non associé.
