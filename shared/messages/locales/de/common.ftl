# Gemeinsam für Antworten, E‑Mails und Seiten.

item-plain = { $title }
item-chosen = { $title } ({ $chosen })
item-counted = { $quantity } × { $item }
item-unnamed = Ihr Produkt

date-month = { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
}
date-day = { $day }. { $month } { $year }

price-in-cart = Der Preis steht in Ihrem Warenkorb
price-at-checkout = Der Preis steht an der Kasse

# Wörter, die ein Post uns sagen kann; die Grammatik kennt jedes.
word-remove = entfernen
word-stop = stopp
word-start = start
