# Respuestas públicas, también asuntos de correo. Reglas: véase en/replies.ftl.

reply-opener = { $variant ->
    [0] ¡Hecho!
    [1] ¡Aquí tienes!
    [2] ¡Listo!
   *[3] ¡Anotado!
}

reply-added = En tu carrito: { $item }
reply-quantity-changed = Cantidad cambiada de { $from } a { $to }: { $item }
reply-already-in-cart = Ya estaba en tu carrito: { $item }
reply-preordered = En tu carrito como reserva: { $item }
reply-preordered-on = En tu carrito como reserva, sale el { $date }: { $item }
reply-removed = Quitado: { $item }
reply-not-in-cart = No estaba en tu carrito: { $item }
reply-wished = En tu lista de deseos: { $item }
reply-superseded = Lo cambiaste más tarde, y vale el último cambio: { $item }
reply-out-of-stock = Agotado: { $item }
reply-deal-excluded = Oferta limitada, solo en la tienda: { $item }
reply-digital-excluded = Descarga, solo en la tienda: { $item }
reply-restricted = No se puede pedir con una publicación: { $item }
reply-wrong-marketplace = Lo vende otra de nuestras tiendas. Usa la etiqueta { $tag }: { $item }
reply-wrong-marketplace-unnamed = Lo vende otra de nuestras tiendas: { $item }
reply-choose-option = ¿Cuál? Responde otra vez a esa publicación y añade lo que eliges ({ $choices }): { $item }
reply-choose-option-in-cart = ¿Cuál? Elige en tu carrito: { $item }
reply-choose-product = Esa publicación muestra varios productos. Elige en tu carrito.
reply-quantity-capped = Pediste { $asked }; { $got } es lo máximo que cabe en tu carrito: { $item }
reply-unknown-product = No conocemos el producto de ese enlace.
reply-no-product-link = No hay enlace a un producto ni en tu publicación ni en la que responde.
reply-parent-unavailable = No podemos leer la publicación a la que respondiste.
reply-cart-full = Tu carrito está lleno y esto no se añadió: { $item }
reply-too-old = Esa publicación es demasiado antigua para nosotros.
reply-not-linked = Te lo guardamos. Vincula tu cuenta una vez y pasará a tu carrito. El enlace está en nuestro perfil.
reply-not-linked-here = Te lo guardamos. Vincula tu cuenta una vez y pasará a tu carrito: { $url }
reply-rate-limited = Fueron muchas en poco tiempo. Inténtalo más tarde.
reply-blocked = No aceptamos publicaciones de esta cuenta.
reply-helped = Responde con nuestra etiqueta { $tag } a una publicación que muestre un producto y llegará a tu carrito. «x2» para dos, «{ $remove }» para sacarlo, «{ $stop }» para no recibir más respuestas.
reply-stopped = Ya no responderemos a tus publicaciones. Escribe «{ $start }» junto a la etiqueta para cambiarlo.
reply-started = Te damos la bienvenida de nuevo. Volvemos a responder a tus publicaciones.
reply-purchased = Comprado: { $item }
reply-erased = La publicación se borró y ya no cuenta.

reply-more = { $count ->
    [one] y { $count } más
   *[other] y { $count } más
}
reply-summary = { $count ->
    [one] Hemos atendido una línea de tu publicación. Mira tu carrito.
   *[other] Hemos atendido { $count } líneas de tu publicación. Mira tu carrito.
}
