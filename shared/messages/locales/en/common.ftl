# Shared by replies, mails and pages.

# One thing of a post: its title and, in brackets, what was chosen (size, colour).
item-plain = { $title }
item-chosen = { $title } ({ $chosen })
# The same with how many of it.
item-counted = { $quantity } × { $item }
# Stands for a product that is not to be named in public.
item-unnamed = your product

# A day. $month is 1 to 12.
date-month = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
date-day = { $month } { $day }, { $year }

# Instead of a price that a minimum-advertised-price agreement keeps out of mails and pages.
price-in-cart = See the price in your cart
price-at-checkout = See the price at checkout

# Words that a post may say to us; the grammar knows each.
word-remove = remove
word-stop = stop
word-start = start
