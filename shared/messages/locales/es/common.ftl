# Común a respuestas, correos y páginas.

item-plain = { $title }
item-chosen = { $title } ({ $chosen })
item-counted = { $quantity } × { $item }
item-unnamed = tu producto

date-month = { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
}
date-day = { $day } de { $month } de { $year }

price-in-cart = El precio está en tu carrito
price-at-checkout = El precio se ve al pagar

# Palabras que una publicación puede decirnos; la gramática las conoce.
word-remove = quitar
word-stop = parar
word-start = empezar
