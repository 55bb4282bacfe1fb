# Gemeinsam für Antworten, Mails und Seiten.

item-plain = { $title }
item-chosen = { $title } ({ $chosen })
item-counted = { $quantity } × { $item }
item-unnamed = dein Produkt

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

price-in-cart = Der Preis steht in deinem Warenkorb
price-at-checkout = Der Preis steht an der Kasse
