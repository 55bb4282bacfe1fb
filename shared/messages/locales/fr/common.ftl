# Commun aux réponses, aux e‑mails et aux pages.

item-plain = { $title }
item-chosen = { $title } ({ $chosen })
item-counted = { $quantity } × { $item }
item-unnamed = votre produit

date-month = { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
}
date-day = { $day } { $month } { $year }

price-in-cart = Le prix est dans votre panier
price-at-checkout = Le prix s’affiche au paiement

# Mots qu’une publication peut nous dire ; la grammaire les connaît.
word-remove = retirer
word-stop = stop
word-start = reprendre
