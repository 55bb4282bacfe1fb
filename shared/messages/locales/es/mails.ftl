# Correos.

mail-subject-many = { $count ->
    [one] Tu publicación: una respuesta de { $brand }
   *[other] Tu publicación: { $count } respuestas de { $brand }
}
mail-greeting = Hola:
mail-greeting-handle = Hola, { $handle }:
mail-intro = esto es lo que pasó con tu publicación.

mail-added = Está en tu carrito y ahí se queda hasta que lo compres o lo quites.
mail-quantity-changed = Tu carrito tenía { $from } y ahora tiene { $to }.
mail-already-in-cart = Ya estaba en tu carrito, así que nada ha cambiado.
mail-preordered = Está en tu carrito como reserva y se enviará cuando salga.
mail-preordered-on = Está en tu carrito como reserva y sale el { $date }.
mail-removed = Ya no está en tu carrito ni en tu lista de deseos.
mail-not-in-cart = No estaba en tu carrito, así que no había nada que quitar.
mail-wished = Está en tu lista de deseos.
mail-superseded = Lo cambiaste más tarde, y vale el último cambio. Tu publicación llegó después.
mail-out-of-stock = Está agotado, así que no se añadió.
mail-deal-excluded = Es una oferta limitada. Un carrito no puede retenerla: cómprala en la tienda.
mail-digital-excluded = Es una descarga. Las descargas se compran en la tienda.
mail-restricted = No se puede pedir con una publicación. Visita la tienda.
mail-wrong-marketplace = Lo vende otra de nuestras tiendas. Usa la etiqueta { $tag } para esa.
mail-wrong-marketplace-unnamed = Lo vende otra de nuestras tiendas.
mail-choose-option = Hay más de uno. Elige en tu carrito:
mail-quantity-capped = Pediste { $asked }. Lo máximo que cabe en tu carrito es { $got }.
mail-unknown-product = No conocemos el producto del enlace. Puede ser nuevo o haber salido de la tienda.
mail-no-product-link = No hay enlace a un producto ni en tu publicación ni en la que responde.
mail-parent-unavailable = No podemos leer la publicación a la que respondiste. Puede estar borrada o protegida.
mail-cart-full = Tu carrito está lleno, así que no se añadió. Quita algo y publica otra vez.
mail-too-old = La publicación es demasiado antigua para nosotros.
mail-not-linked = Tu cuenta aún no estaba vinculada. Te lo guardamos.
mail-rate-limited = Fueron muchas en poco tiempo, así que dejamos esta sin atender. Inténtalo más tarde.
mail-blocked = No aceptamos publicaciones de esta cuenta. Si crees que es un error, escríbenos.
mail-helped = Responde con nuestra etiqueta { $tag } a una publicación que muestre un producto. «x2» para dos, una talla o un color para elegir, «{ $remove }» para sacarlo, «{ $stop }» para no recibir más respuestas.
mail-stopped = Ya no responderemos a tus publicaciones ni te enviaremos correos sobre ellas. Escribe «{ $start }» junto a la etiqueta para cambiarlo.
mail-started = Te damos la bienvenida de nuevo. Volvemos a responder a tus publicaciones.
mail-purchased = Compraste { $quantity }, así que ha salido de tu carrito.
mail-erased = Borraste la publicación, así que lo que pedía ya no cuenta.

mail-quantity = Cantidad: { $quantity }
mail-price = Precio: { $price }
mail-picture = Imagen de { $title }
mail-button-cart = Abrir mi carrito
mail-post = Tu publicación
mail-reason = Recibes este correo porque vinculaste tu cuenta { $account } con { $brand } y publicaste con nuestra etiqueta.
mail-preferences = Ajustes
mail-unsubscribe = No recibir más correos
mail-support = ¿Preguntas? { $support }
mail-prices-change = Los precios son los del momento de tu publicación. Lo que pagas se ve al pagar.

sign-in-subject = Tu enlace de acceso a { $brand }
sign-in-intro = alguien, esperamos que tú, quiere entrar en tu carrito de { $brand }.
sign-in-button = Entrar
sign-in-expiry = { $minutes ->
    [one] El enlace sirve una vez y durante un minuto.
   *[other] El enlace sirve una vez y durante { $minutes } minutos.
}
sign-in-ignore = Si no has sido tú, no hagas nada: sin este correo nadie entra.

confirm-subject = Confirma tu dirección para { $brand }
confirm-intro = has vinculado { $account } con { $brand }. Confirma que esta dirección es tuya.
confirm-button = Confirmar mi dirección
confirm-expiry = { $minutes ->
    [one] El enlace sirve una vez y durante un minuto.
   *[other] El enlace sirve una vez y durante { $minutes } minutos.
}
confirm-ignore = Si no has sido tú, no hagas nada: sin confirmación la cuenta no queda vinculada.
