# Réponses publiques, aussi objets de e‑mails. Règles : voir en/replies.ftl.

reply-opener = { $variant ->
    [0] C’est fait !
    [1] Et voilà !
    [2] C’est bon !
   *[3] C’est noté !
}

reply-added = Dans votre panier : { $item }
reply-quantity-changed = Quantité changée de { $from } à { $to } : { $item }
reply-already-in-cart = Déjà dans votre panier : { $item }
reply-preordered = En précommande dans votre panier : { $item }
reply-preordered-on = En précommande dans votre panier, sortie le { $date } : { $item }
reply-removed = Retiré : { $item }
reply-not-in-cart = N’était pas dans votre panier : { $item }
reply-wished = Sur votre liste d’envies : { $item }
reply-superseded = Vous l’avez changé plus tard, et ce changement reste valable : { $item }
reply-out-of-stock = Épuisé : { $item }
reply-deal-excluded = Offre limitée, seulement en boutique : { $item }
reply-digital-excluded = Téléchargement, seulement en boutique : { $item }
reply-restricted = Ne peut pas être commandé par une publication : { $item }
reply-wrong-marketplace = Vendu par une autre de nos boutiques. Utilisez le mot-dièse { $tag } : { $item }
reply-wrong-marketplace-unnamed = Vendu par une autre de nos boutiques : { $item }
reply-choose-option = Lequel ? Répondez encore à cette publication en ajoutant votre choix ({ $choices }) : { $item }
reply-choose-option-in-cart = Lequel ? Choisissez dans votre panier : { $item }
reply-choose-product = Cette publication montre plusieurs produits. Choisissez dans votre panier.
reply-quantity-capped = { $asked } demandés, { $got } au plus dans votre panier : { $item }
reply-unknown-product = Nous ne connaissons pas le produit de ce lien.
reply-no-product-link = Aucun lien vers un produit, ni dans votre publication ni dans celle à laquelle elle répond.
reply-parent-unavailable = Nous ne pouvons pas lire la publication à laquelle vous avez répondu.
reply-cart-full = Votre panier est plein, ceci n’a pas été ajouté : { $item }
reply-too-old = Cette publication est trop ancienne pour nous.
reply-not-linked = Nous vous le gardons. Associez votre compte une fois et il ira dans votre panier. Le lien est dans notre profil.
reply-not-linked-here = Nous vous le gardons. Associez votre compte une fois et il ira dans votre panier : { $url }
reply-rate-limited = Cela fait beaucoup en peu de temps. Réessayez plus tard.
reply-blocked = Nous n’acceptons pas les publications de ce compte.
reply-helped = Répondez avec notre mot-dièse { $tag } à une publication qui montre un produit et il ira dans votre panier. « x2 » pour deux, « { $remove } » pour l’enlever, « { $stop } » pour ne plus recevoir de réponses.
reply-stopped = Nous ne répondrons plus à vos publications. Écrivez « { $start } » près du mot-dièse pour changer cela.
reply-started = Bon retour parmi nous. Nous répondons de nouveau à vos publications.
reply-purchased = Acheté : { $item }
reply-erased = La publication a été supprimée et ne compte plus.

reply-more = { $count ->
    [one] et { $count } autre
   *[other] et { $count } autres
}
reply-summary = { $count ->
    [one] Nous avons traité une ligne de votre publication. Voyez votre panier.
   *[other] Nous avons traité { $count } lignes de votre publication. Voyez votre panier.
}
