### Nos propres pages : association, panier, réglages, erreurs. Chaque clé commence par `page-`.

## Le cadre

page-skip = Aller au contenu
page-nav = Principal
page-nav-cart = Panier
page-nav-settings = Réglages
page-nav-sign-in = Se connecter
page-nav-how = Comment ça marche
page-languages = Langue
page-support = L’aide d’une personne
page-button-sign-out = Se déconnecter

## Comment ça marche (la page d’accueil de l’association)

page-start-title = Remplissez votre panier { $brand } en répondant à une publication
page-start-lead = Quelque chose vous plaît dans votre fil. Répondez à la publication, et l’article vous attend dans votre panier. Rien à installer, et vous restez où vous êtes.
page-start-step-1-title = Associez votre compte une fois
page-start-step-1-text = Montrez qu’un compte est à vous et indiquez une adresse e‑mail. Cela prend une minute.
page-start-step-2-title = Répondez à une publication
page-start-step-2-text = Quand une publication montre un de nos produits, répondez avec #{ $tag }. Ajoutez « x2 » pour deux, ou une taille.
page-start-step-3-title = Achetez quand vous voulez
page-start-step-3-text = Le produit reste dans votre panier jusqu’à ce que vous le retiriez ou l’achetiez. Répondre à une publication n’achète jamais rien.
page-start-link-title = Associer un compte
page-start-link-button = Associer { $network }
page-start-link-at-network = Ouvrez { $network } et choisissez-y « associer mon compte ».
page-start-link-none = L’association est en cours de mise en place. Revenez un peu plus tard.
page-start-have-account = Déjà associé ?
page-start-faq-title = Questions et réponses
page-faq-what-q = À quoi cela sert-il ?
page-faq-what-a = Nous lisons les publications qui portent #{ $tag }, trouvons le produit dans la publication à laquelle vous avez répondu et le mettons dans votre panier chez { $brand }. Vous recevez un e‑mail et, là où le réseau le permet, une courte réponse.
page-faq-say-q = Que puis-je écrire ?
page-faq-say-add = #{ $tag } met le produit dans votre panier. « x2 » fixe la quantité ; « taille M » ou « rouge » choisit.
page-faq-say-remove = #{ $tag } avec « retirer » l’enlève. Supprimer votre publication fait de même.
page-faq-say-wish = #{ $tag } le met sur votre liste d’envies.
page-faq-say-help = « aide », « stop » et « reprendre » à côté du mot-dièse font ce qu’ils disent.
page-faq-public-q = Qu’est-ce qui devient public ?
page-faq-public-a = Si vous écrivez en public, votre publication est publique : qui peut la lire voit que le produit vous intéressait. Notre réponse est aussi publique que votre publication. Elle ne contient ni prix, ni code, ni adresse et, pour certains produits, pas même de nom. Votre panier, votre liste d’envies et votre adresse e‑mail ne sont montrés à personne.
page-faq-keep-q = Que gardez-vous, et combien de temps ?
page-faq-keep-account = L’identifiant et le nom du compte associé et votre adresse e‑mail, jusqu’à ce que vous les dissociiez ou supprimiez.
page-faq-keep-cart = Votre panier et votre liste d’envies, jusqu’à ce que vous retiriez ou achetiez. Nous ne gardons pas le texte de vos publications.
page-faq-keep-parked = Si votre compte n’est pas encore associé : ce que vous avez demandé, pendant { $days ->
    [one] un jour
   *[other] { $days } jours
  }, pour que rien ne soit perdu quand vous l’associez. Ensuite c’est supprimé.
page-faq-keep-access = De { $network } nous apprenons qui vous êtes, rien d’autre. Nous ne pouvons pas publier pour vous et ne gardons aucun accès à votre compte.
page-faq-keep-cookies = Des cookies seulement pour ce que vous faites ici : un qui vous garde connecté { $days } jours au plus, un qui protège les formulaires, un pour la langue. Rien qui vous suive ailleurs.
page-faq-stop-q = Comment arrêter ?
page-faq-stop-a = Écrivez « stop » à côté du mot-dièse, utilisez le lien de n’importe lequel de nos e‑mails, ou désactivez réponses et e‑mails dans vos réglages. Vous pouvez aussi y dissocier un compte ou tout supprimer d’un coup.
page-faq-which-q = Quels réseaux puis-je associer ?
page-faq-which-a = Pour l’instant : { $networks }. Vous pouvez en associer plusieurs à un même panier.
page-faq-not-linked-q = J’ai répondu avant d’associer mon compte. Est-ce perdu ?
page-faq-not-linked-a = Non. Nous le gardons { $days ->
    [one] un jour
   *[other] { $days } jours
  }. Dès que vous associez ce compte, cela rejoint votre panier.

## Associer un compte

page-email-title = Où pouvons-nous vous écrire ?
page-email-lead = Vous avez montré que ce compte est à vous. Indiquez maintenant une adresse e‑mail : votre panier lui appartient.
page-email-label = Adresse e‑mail
page-email-hint = Nous envoyons un lien pour la confirmer. Ensuite, seulement ce que vous demandez.
page-email-button = M’envoyer le lien
page-email-not-you = Ce n’est pas votre compte ?
page-email-start-over = Recommencer
page-email-invalid = Cela ne ressemble pas à une adresse e‑mail. Il faut une partie avant le @ et une après, comme nom@example.com.
page-fault-summary = Une chose à vérifier
page-inbox-title = Regardez votre boîte de réception
page-inbox-lead = Si cette adresse peut recevoir du courrier, un message avec un lien est en route. Le lien vaut une fois et pendant { $minutes } minutes.
page-inbox-spam = Rien ? Regardez dans le dossier des indésirables, ou attendez une minute et réessayez.
page-inbox-again = Utiliser une autre adresse
page-confirm-title = Associer ce compte à votre panier ?
page-confirm-lead = Désormais, ce que ce compte demande en répondant à des publications ira dans le panier de { $email }.
page-confirm-warn = Ne continuez que si ce compte est à vous et que vous venez de le demander. Si vous ne le connaissez pas, fermez cette page : il ne se passe rien.
page-confirm-button = Oui, associer
page-linked-title = Associé
page-linked-lead = Désormais, répondez à une publication avec #{ $tag } et le produit arrive dans votre panier.
page-linked-released = { $posts ->
    [one] Une de vos publications précédentes arrive maintenant dans votre panier :
   *[other] { $posts } de vos publications précédentes arrivent maintenant dans votre panier :
  }
page-linked-moment = Cela prend quelques secondes. Vous recevez aussi un e‑mail pour chacune.
page-linked-button = Ouvrir mon panier
page-refused-title = Vous avez refusé
page-refused-lead = { $network } nous dit que vous ne l’avez pas permis ; rien n’a été associé.
page-link-expired-title = Ce lien n’est plus valable
page-link-expired-lead = Par sécurité, il ne valait qu’une fois et peu de temps. Si vous l’avez utilisé vous-même, tout va bien : votre compte est associé. Sinon, recommencez : c’est l’affaire d’un instant.
page-link-broken-title = Ce lien n’est pas bon
page-link-broken-lead = Une partie manque ou a changé en chemin. Recommencez depuis le début.
page-link-browser-title = Recommencez dans ce navigateur
page-link-browser-lead = Pour votre sécurité, cette étape doit se terminer dans le navigateur où elle a commencé, cookies autorisés.
page-button-start-over = Recommencer
page-too-many-title = C’était beaucoup en peu de temps
page-too-many-lead = Pour protéger les boîtes de réception, nous n’envoyons que quelques liens par heure. Réessayez plus tard.

## Se connecter

page-sign-in-title = Se connecter
page-sign-in-lead = Sans mot de passe. Indiquez votre adresse e‑mail et nous vous envoyons un lien.
page-sign-in-button = M’envoyer un lien
page-sign-in-new = Nouveau ici ?
page-sign-in-new-link = Voir comment ça marche et associer un compte
page-sign-in-sent-lead = Si nous connaissons cette adresse, un message avec un lien est en route. Le lien vaut une fois et pendant { $minutes } minutes.
page-enter-title = Ouvrir votre panier
page-enter-lead = Un clic, pour que vous seul l’ouvriez et non un programme qui parcourt votre courrier.
page-enter-button = Ouvrir mon panier

## Le panier

page-cart-title = Votre panier
page-cart-empty-title = Encore rien ici
page-cart-empty-text = Répondez avec #{ $tag } à une publication qui montre un de nos produits, et il vous attendra ici.
page-cart-market = { $brand } · { $host }
page-cart-products = { $count ->
    [one] un produit
   *[other] { $count } produits
  }
page-cart-quantity = Quantité : { $title }
page-cart-update = Mettre à jour la quantité : { $title }
page-cart-less = Un de moins : { $title }
page-cart-more = Un de plus : { $title }
page-cart-remove = Retirer
page-cart-to-wish = Vers la liste d’envies
page-cart-to-cart = Vers le panier
page-cart-total = Total
page-cart-total-part = Total sans les prix affichés au paiement
page-cart-at-checkout = Prix affiché au paiement
page-cart-total-at-checkout = Affiché au paiement
page-cart-checkout = Passer au paiement
page-cart-checkout-note = Vous achetez chez { $host }. Rien n’est commandé avant.
page-cart-checkout-none = Rien de tout cela ne peut être acheté pour l’instant.
page-checkout-parts-title = Votre panier passe en plusieurs parties
page-checkout-parts-lead = Il est trop long pour une seule étape. Ouvrez les parties l’une après l’autre ; la boutique les réunit.
page-checkout-part = Partie { $part }
page-cart-wishes = Liste d’envies
page-cart-choices = En attente de votre choix
page-cart-choice = Lequel souhaitez-vous ?
page-cart-choose = Ajouter au panier
page-cart-choose-wish = Vers la liste d’envies
page-cart-dismiss = Non merci
page-cart-gone = N’est plus au catalogue
page-state-in-stock = En stock
page-state-out-of-stock = Épuisé pour le moment
page-state-preorder = Précommande
page-state-preorder-on = Précommande : disponible le { $date }
page-state-backorder = En réapprovisionnement
page-state-backorder-on = En réapprovisionnement : attendu le { $date }
page-state-price-was = avant
page-told-Added = Ajouté à votre panier.
page-told-QuantityChanged = Quantité modifiée.
page-told-AlreadyInCart = C’est déjà dans votre panier.
page-told-Preordered = Ajouté à votre panier en précommande.
page-told-Removed = Retiré.
page-told-NotInCart = Ce n’était plus là.
page-told-Wished = Sur votre liste d’envies.
page-told-Superseded = Vous l’avez déjà changé plus tard ; le changement plus récent reste.
page-told-OutOfStock = C’est épuisé pour le moment.
page-told-DealExcluded = C’est une offre limitée : elle ne s’achète qu’à la boutique.
page-told-DigitalExcluded = C’est un téléchargement : il ne s’achète qu’à la boutique.
page-told-Restricted = Cela ne s’achète qu’à la boutique.
page-told-WrongMarketplace = Une autre de nos boutiques vend cela.
page-told-ChooseOption = Choisissez d’abord.
page-told-QuantityCapped = Pas plus de { $got } ; votre panier en contient maintenant { $got }.
page-told-UnknownProduct = Nous ne connaissons plus ce produit.
page-told-CartFull = Votre panier est plein. Retirez d’abord quelque chose.
page-told-TooOld = C’est trop ancien.
page-told-RateLimited = C’était beaucoup en peu de temps. Réessayez dans quelques minutes.
page-told-Blocked = Ce n’est pas possible.

## Réglages

page-settings-title = Réglages
page-settings-replies = Réponses à mes publications
page-settings-replies-hint = Une courte réponse publique dit que votre publication est arrivée, là où le réseau le permet.
page-settings-mails = E‑mails sur mon panier
page-settings-mails-hint = Un e‑mail après chaque publication. Les liens pour confirmer et se connecter arrivent toujours.
page-settings-mails-undeliverable = Les e‑mails à votre adresse sont revenus, nous n’en envoyons donc plus. Réactivez-les quand cela fonctionne.
page-settings-on = Oui
page-settings-off = Non
page-settings-turn-on = Activer
page-settings-turn-off = Désactiver
page-settings-turn-on-named = Activer : { $what }
page-settings-turn-off-named = Désactiver : { $what }
page-settings-language = Langue des e‑mails et des pages
page-settings-save = Enregistrer
page-settings-accounts = Comptes associés
page-settings-accounts-none = Aucun compte n’est associé.
page-settings-linked-since = Associé le { $date }
page-settings-unlink = Dissocier
page-settings-unlink-named = Dissocier { $account }
page-settings-link-more = Associer un autre compte
page-settings-email = Votre adresse
page-settings-session = Cet appareil
page-settings-session-hint = Vous y restez connecté jusqu’à { $days } jours.
page-settings-delete-title = Tout supprimer
page-settings-delete-hint = Votre panier, votre liste d’envies, les comptes associés et l’adresse. C’est irréversible.
page-settings-delete-button = Supprimer mes données
page-settings-saved = Enregistré.
page-settings-unlinked = Dissocié.
page-delete-title = Tout supprimer ?
page-delete-lead = Nous supprimons votre panier et votre liste d’envies, vos réglages, vos comptes associés et votre adresse e‑mail, tout de suite et pour de bon. Les commandes à la boutique ne sont pas touchées.
page-delete-button = Oui, tout supprimer
page-delete-keep = Garder
page-deleted-title = Supprimé
page-deleted-lead = Tout ce que nous savions de vous a disparu. Si vous le souhaitez, vous pouvez recommencer à tout moment.

## Se désabonner

page-unsubscribe-title = Plus d’e‑mails ?
page-unsubscribe-lead = Nous n’enverrons plus d’e‑mails sur votre panier à { $email }. Votre panier reste tel quel.
page-unsubscribe-button = Arrêter les e‑mails
page-unsubscribed-title = Vous ne recevrez plus ces e‑mails
page-unsubscribed-lead = Changé d’avis ? Réactivez-les dans vos réglages.

## Erreurs

page-error-400-title = Nous n’avons pas pu lire cela
page-error-400-lead = Il manquait quelque chose à la demande, ou elle était abîmée. Revenez en arrière et réessayez.
page-error-401-title = Connectez-vous d’abord
page-error-401-lead = Cette page n’est qu’à vous ; nous devons donc savoir que c’est vous.
page-error-403-title = Ce formulaire a expiré
page-error-403-lead = Pour votre sécurité, nous ne l’avons pas accepté : il est resté ouvert trop longtemps, ou il ne venait pas de cette page. Rechargez la page et réessayez.
page-error-404-title = Il n’y a rien ici
page-error-404-lead = L’adresse contient peut-être une faute de frappe, ou la page a changé de place.
page-error-405-title = Pas comme ça
page-error-405-lead = Cette adresse ne s’utilise pas ainsi. Partez du panier.
page-error-410-title = Ce lien n’est plus valable
page-error-410-lead = Les liens de nos e‑mails valent une fois et pour un temps limité. Demandez-en un nouveau.
page-error-503-title = Un instant, s’il vous plaît
page-error-503-lead = Quelque chose dont nous avons besoin ne répond pas pour l’instant. Rien n’est perdu ; réessayez dans une minute.
page-error-home = Au début
page-error-cart = Au panier
page-error-retry = Réessayer
